// The audit trail in the console.

import { expect, test } from "@playwright/test";

import { Qrs } from "../clients/lib/qrs.mjs";
import { signIn, testAccessible, withConsole } from "./lib/console.mjs";

const site = withConsole(async ({ gateway }) => {
  const draft = {
    description: "Mashup <b>of</b> the intranet",
    prefix: "jwt",
    sessionCookieHeaderName: "X-Qlik-Session-jwt",
  };
  await new Qrs(gateway).expect(201, "POST", "virtualproxyconfig", draft);
});
testAccessible(site, async (page, look) => {
  for (const path of ["", "?actor=nobody"]) {
    await page.goto(`${site.gateway.origin()}/qmc/audit${path}`);
    for (const fields of await page.getByText("Fields", { exact: false }).all()) await fields.click();
    await look();
  }
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a change is found by its action, with its fields and its revision", async ({ page }) => {
    await signIn(page, site.gateway);
    await page.getByRole("link", { name: "Audit" }).click();
    await page.getByLabel("Action").fill("configuration");
    await page.getByLabel("Outcome").selectOption("done");
    await page.getByRole("button", { name: "Filter" }).click();
    const row = page.getByRole("row", { name: "Mashup <b>of</b> the intranet" }).first();
    await expect(row).toContainText("INTERNAL\\sa_repository");
    await row.getByText("Fields").click();
    await expect(row).toContainText("X-Qlik-Session-jwt");
    await row.getByRole("link", { name: "revision 2" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Revision 2");
  });
});
