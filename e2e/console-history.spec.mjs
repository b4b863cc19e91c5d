// The history in the console: what a save changed, and the way back, without a script.

import { expect, test } from "@playwright/test";

import { Qrs } from "../clients/lib/qrs.mjs";
import { expectFits, setUp, signIn, startGateway } from "./lib/console.mjs";
import { expectAccessible } from "./lib/hub.mjs";

let gateway;

test.beforeAll(async ({ browser }) => {
  const started = await startGateway();
  gateway = started.gateway;
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  await setUp(await context.newPage(), gateway, started.link);
  await context.close();
  const draft = {
    description: "Portal",
    prefix: "jwt",
    sessionCookieHeaderName: "X-Qlik-Session-jwt",
  };
  await new Qrs(gateway).expect(201, "POST", "virtualproxyconfig", draft);
  await new Qrs(gateway).change("jwt", { description: "Mashup <b>of</b> the intranet" });
});
test.afterAll(() => gateway?.stop());

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 360]) {
    test(`axe finds nothing (${colorScheme}, ${width} pixels)`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      await signIn(page, gateway);
      for (const path of ["", "/1", "/3", "/compare?from=1&to=3", "/2/restore", "/99"]) {
        await page.goto(`${gateway.origin()}/qmc/history${path}`);
        await expectAccessible(page);
        await expectFits(page);
      }
    });
  }
}

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a save is looked at, compared and taken back", async ({ page }) => {
    await signIn(page, gateway);
    await page.getByRole("link", { name: "History" }).click();
    await page.getByLabel("From revision").fill("1");
    await page.getByRole("button", { name: "Compare" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("From revision 1 to 3");
    await page.getByRole("link", { name: "History" }).first().click();
    await page.getByRole("link", { name: "Revision 3" }).click();
    await expect(page.getByRole("row", { name: "description" })).toContainText("Mashup <b>of</b> the intranet");
    await page.goto(`${gateway.origin()}/qmc/history/2`);
    await page.getByRole("link", { name: "Restore…" }).click();
    await expect(page.getByText("1 document changes.")).toBeVisible();
    await page.getByLabel("Note").fill("The old name was better");
    await page.getByRole("button", { name: "Restore revision 2" }).click();
    await expect(page.getByRole("status")).toContainText("Restored");
    await expect(page.getByText("The old name was better")).toBeVisible();
    expect((await new Qrs(gateway).virtualProxy("jwt")).description).toBe("Portal");
  });
});
