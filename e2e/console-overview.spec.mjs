// The overview of the console: empty at first, then with charts that count what was sent.

import { expect, test } from "@playwright/test";

import { signIn, testAccessible, withConsole } from "./lib/console.mjs";

const site = withConsole();

async function open(page) {
  await signIn(page, site.gateway);
  await page.getByRole("link", { name: "Overview" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
}

testAccessible(site, async (page, look) => {
  await page.goto(`${site.gateway.origin()}/qmc/`);
  for (const summary of await page.locator("main summary").all()) await summary.click();
  await look();
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("requests are counted by their outcome, and a reason leads to them", async ({ page }) => {
    for (let i = 0; i < 3; i += 1) await site.gateway.request("/portal%2Freport/");
    await open(page);
    const refused = page.getByRole("row", { name: "path_ambiguous 3" });
    await expect(refused).toBeVisible();
    await expect(page.getByRole("img", { name: /Requests in each minute .* 3 refused/ })).toBeVisible();
    await page.getByText("requests, minute by minute").click();
    await expect(page.getByRole("table").first().getByRole("row").nth(1)).toContainText("3");
    await expect(page.getByRole("table").filter({ hasText: "Sessions" }).getByRole("row")).toHaveCount(2);
    await refused.getByRole("link").click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Live requests");
    await expect(page.getByText("400 path_ambiguous")).toHaveCount(3);
  });
});

test("the first page with its files weighs less than 100 kB", async ({ page }) => {
  await signIn(page, site.gateway);
  const sizes = [];
  page.on("response", async (answer) => sizes.push(answer.request().sizes()));
  // As somebody who has never been here: nothing comes from the cache.
  await (await page.context().newCDPSession(page)).send("Network.setCacheDisabled", { cacheDisabled: true });
  await page.goto(`${site.gateway.origin()}/qmc/`, { waitUntil: "networkidle" });
  const all = await Promise.all(sizes);
  expect(all.length, "the page, its style sheet, its script and its icon").toBeGreaterThanOrEqual(3);
  const bytes = all.reduce((sum, size) => sum + size.responseHeadersSize + size.responseBodySize, 0);
  expect(bytes).toBeLessThan(100_000);
});
