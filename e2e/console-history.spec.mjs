// The history in the console: what a save changed, and the way back, without a script.

import { expect, test } from "@playwright/test";

import { Qrs } from "../clients/lib/qrs.mjs";
import { signIn, testAccessible, withConsole } from "./lib/console.mjs";

const site = withConsole(async ({ gateway }) => {
  const draft = {
    description: "Portal",
    prefix: "jwt",
    sessionCookieHeaderName: "X-Qlik-Session-jwt",
  };
  await new Qrs(gateway).expect(201, "POST", "virtualproxyconfig", draft);
  await new Qrs(gateway).change("jwt", { description: "Mashup <b>of</b> the intranet" });
});
testAccessible(site, async (page, look, visit) => {
  for (const path of ["", "/1", "/3", "/compare?from=1&to=3", "/2/restore", "/99"]) await visit(`/qmc/history${path}`);
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a save is looked at, compared and taken back", async ({ page }) => {
    await signIn(page, site.gateway);
    await page.getByRole("link", { name: "History" }).click();
    await page.getByLabel("From revision").fill("1");
    await page.getByRole("button", { name: "Compare" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("From revision 1 to 3");
    await page.getByRole("link", { name: "History" }).first().click();
    await page.getByRole("link", { name: "Revision 3" }).click();
    await expect(page.getByRole("row", { name: "description" })).toContainText("Mashup <b>of</b> the intranet");
    await page.goto(`${site.gateway.origin()}/qmc/history/2`);
    await page.getByRole("link", { name: "Restore…" }).click();
    await expect(page.getByRole("heading", { name: "Who would notice" })).toBeVisible();
    await expect(page.getByRole("row", { name: "description" })).toContainText("Portal");
    await page.getByLabel("Note").fill("The old name was better");
    await page.getByRole("button", { name: "Restore revision 2" }).click();
    await expect(page.getByRole("status")).toContainText("Restored");
    await expect(page.getByText("The old name was better")).toBeVisible();
    expect((await new Qrs(site.gateway).virtualProxy("jwt")).description).toBe("Portal");
  });
});
