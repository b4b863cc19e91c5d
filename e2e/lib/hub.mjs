// The hub page of the stand-in backend, as a person sees it. Works on a page and on a frame.

import AxeBuilder from "@axe-core/playwright";
import { expect } from "@playwright/test";

/** The hub greets `user`, and its socket to the engine has brought the three apps. */
export async function expectHub(at, user) {
  await expect(at.getByRole("heading", { level: 1 })).toHaveText(`Hello, ${user}`);
  await expect(at.locator("#engine-state")).toHaveText("Connected");
  await expect(at.locator("#app-list > li")).toHaveCount(3);
}

/** What depends on the theme alone. */
const COLOURS = ["color-contrast", "link-in-text-block"];

/** The colours of the page can be told from each other; the same page in another theme had everything else looked at. */
export async function expectReadable(page) {
  const { violations } = await new AxeBuilder({ page }).withRules(COLOURS).analyze();
  expect(violations.map(({ id, nodes }) => ({ id, where: nodes.map((node) => node.html) }))).toEqual([]);
}

/** axe, which knows the rules of WCAG, finds nothing on the page. */
export async function expectAccessible(page) {
  const { violations, passes } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => ({ id, where: nodes.map((node) => node.html) }))).toEqual([]);
  expect(passes.length, "axe looked at the page").toBeGreaterThan(5);
}
