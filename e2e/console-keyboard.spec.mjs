// The console by keyboard alone: the skip link, the palette, visible focus.

import { expect, test } from "@playwright/test";

import { signIn, testAccessible, withConsole } from "./lib/console.mjs";

const site = withConsole();

testAccessible(site, async (page, look, visit) => {
  for (const path of ["/qmc/search", "/qmc/search?q=nothing-of-this-name"]) await visit(path);
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("option").first()).toBeVisible();
  await look();
});

test("the palette goes to a page, a virtual proxy and an action", async ({ page }) => {
  await signIn(page, site.gateway);
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox", { name: "Where to" })).toBeFocused();
  await page.keyboard.type("live");
  // The page below has options of its own.
  await expect(page.getByRole("dialog").getByRole("option")).toHaveCount(1);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Live requests");
  // Its script comes after what is seen.
  await page.waitForLoadState();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("create");
  await expect(page.getByRole("option", { name: "Create a virtual proxy" })).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("option", { name: "Create an API key" })).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Create new virtual proxy");
  await page.waitForLoadState();
  await page.keyboard.press("Control+k");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("the keyboard leads past the navigation, and what has the focus is seen", async ({ page }) => {
  await signIn(page, site.gateway);
  await page.goto(`${site.gateway.origin()}/qmc/virtual-proxies`);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("#main")).toBeFocused();
  for (let step = 0; step < 12; step += 1) {
    await page.keyboard.press("Tab");
    const { inside, outline } = await page.evaluate(() => ({
      inside: document.activeElement.closest("main") !== null,
      outline: getComputedStyle(document.activeElement).outlineStyle,
    }));
    if (!inside) break;
    expect(outline).not.toBe("none");
  }
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("the search page finds a user and a virtual proxy", async ({ page }) => {
    await signIn(page, site.gateway);
    await page.getByRole("link", { name: "Search" }).click();
    await page.getByLabel("Where to").fill("internal\\ANNA");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("link", { name: "INTERNAL\\anna" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("INTERNAL\\anna");
  });
});
