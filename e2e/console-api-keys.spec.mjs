// API keys in the console: made, shown once, used, deleted.

import { expect, test } from "@playwright/test";

import { bearer } from "../clients/lib/http.mjs";
import { expectFits, setUp, signIn, startGateway } from "./lib/console.mjs";
import { expectAccessible } from "./lib/hub.mjs";

let gateway;

test.beforeAll(async ({ browser }) => {
  const started = await startGateway();
  gateway = started.gateway;
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  await setUp(await context.newPage(), gateway, started.link);
  await context.close();
});
test.afterAll(() => gateway?.stop());

/** Makes a key that sees the sessions of the default virtual proxy; gives its text. */
async function make(page, name) {
  await page.goto(`${gateway.origin()}/qmc/api-keys`);
  await page.getByRole("link", { name: "Create new" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByRole("checkbox", { name: "sessions.read" }).check();
  await page.locator("input[name=virtualProxies]").first().check();
  await page.getByRole("button", { name: "Create" }).click();
  return page.getByText(/^jotgate_/).textContent();
}

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 360]) {
    test(`axe finds nothing (${colorScheme}, ${width} pixels)`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      await signIn(page, gateway);
      const look = async () => {
        await expectAccessible(page);
        await expectFits(page);
      };
      await make(page, `watcher ${colorScheme} ${width}`);
      await look();
      await page.goto(`${gateway.origin()}/qmc/api-keys`);
      await look();
      await page.getByRole("link", { name: `Delete… watcher ${colorScheme} ${width}` }).click();
      await look();
      await page.goto(`${gateway.origin()}/qmc/api-keys/new`);
      await look();
      await page.getByRole("button", { name: "Create" }).click();
      await expect(page.getByRole("alert")).toBeVisible();
      await look();
    });
  }
}

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a key is made, works, is shown once and deleted", async ({ page }) => {
    await signIn(page, gateway);
    const key = await make(page, "monitor");
    const use = () => gateway.request("/jotgate/v1/sessions", { headers: bearer(key) });
    expect((await use()).status).toBe(200);
    await page.getByRole("link", { name: "I have copied it" }).click();
    const row = page.getByRole("row", { name: "monitor" });
    await expect(row).toContainText("sessions.read");
    expect(await page.content()).not.toContain(key);
    await row.getByRole("link", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete" }).click();
    await expect(page.getByRole("status")).toContainText("Deleted.");
    await expect(row).toHaveCount(0);
    expect((await use()).status).toBe(401);
  });
});
