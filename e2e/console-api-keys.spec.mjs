// API keys in the console: made, shown once, used, deleted.

import { expect, test } from "@playwright/test";

import { bearer } from "../clients/lib/http.mjs";
import { signIn, testAccessible, withConsole } from "./lib/console.mjs";

const site = withConsole();

/** Makes a key that sees the sessions of the default virtual proxy; gives its text. */
async function make(page, name) {
  await page.goto(`${site.gateway.origin()}/qmc/api-keys`);
  await page.getByRole("link", { name: "Create new" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByRole("checkbox", { name: "sessions.read" }).check();
  await page.locator("input[name=virtualProxies]").first().check();
  await page.getByRole("button", { name: "Create" }).click();
  return page.getByText(/^jotgate_/).textContent();
}

testAccessible(site, async (page, look, visit) => {
  const name = `watcher ${Date.now()}`;
  await make(page, name);
  await look();
  await visit("/qmc/api-keys");
  await page.getByRole("link", { name: `Delete… ${name}` }).click();
  await look();
  await visit("/qmc/api-keys/new");
  await page.getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await look();
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a key is made, works, is shown once and deleted", async ({ page }) => {
    await signIn(page, site.gateway);
    const key = await make(page, "monitor");
    const use = () => site.gateway.request("/jotgate/v1/sessions", { headers: bearer(key) });
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
