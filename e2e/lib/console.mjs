// The console, as an administrator with a browser uses it.

import { expect, test } from "@playwright/test";

import { Gateway } from "../../clients/lib/gateway.mjs";
import { expectAccessible, expectReadable } from "./hub.mjs";

export const PASSWORD = "correct horse battery";

/** A gateway without anything, and the set-up link that it has printed. */
export async function startGateway(flags = ["--public-host", "gateway.localtest"]) {
  const gateway = await Gateway.start({ command: "serve", flags });
  await expect.poll(() => gateway.log).toContain("/qmc/setup?token=");
  return { gateway, link: /\/qmc\/setup\?token=\S+/.exec(gateway.log)[0] };
}

/** Makes the first administrator with the set-up link; ends in the console. */
export async function setUp(page, gateway, link, name = "anna") {
  await page.goto(gateway.origin() + link);
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password (12").fill(PASSWORD);
  await page.getByLabel("The same").fill(PASSWORD);
  await page.getByRole("button").click();
  await page.waitForURL("**/qmc/**");
}

/** Signs in with the form; ends at the virtual proxies. */
export async function signIn(page, gateway, name = "anna") {
  await page.goto(`${gateway.origin()}/qmc/`);
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button").click();
  await page.waitForURL("**/qmc/**");
  await page.goto(`${gateway.origin()}/qmc/virtual-proxies`);
}

/** Nothing has to be scrolled sideways. */
export async function expectFits(page) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(over, "pixels beyond the edge").toBeLessThanOrEqual(0);
}

/**
 * A gateway with an administrator for the tests of a file, with other `flags` than usual when they are given;
 * `prepare` adds what the tests need. Gives an object that has the `gateway` once it runs.
 */
export function withConsole(prepare = async () => {}, flags = undefined) {
  const site = {};
  test.beforeAll(async ({ browser }) => {
    const started = await startGateway(flags);
    site.gateway = started.gateway;
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    await setUp(await context.newPage(), site.gateway, started.link);
    await context.close();
    await prepare(site);
  });
  test.afterAll(() => site.gateway?.stop());
  return site;
}

/** Both widths and both themes of a page, as it is now; ends with the first of them. */
const LOOKS = [[360, "dark"], [360, "light"], [1280, "dark"], [1280, "light"]];

/** axe finds nothing on the page, and nothing has to be scrolled sideways: in both themes and at both widths. */
export async function expectGood(page) {
  for (const [width, colorScheme] of LOOKS) {
    await page.setViewportSize({ width, height: 800 });
    // Colours that are still on their way would be judged as they are at that moment.
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await (colorScheme === "dark" ? expectReadable(page) : expectAccessible(page));
    await expectFits(page);
  }
}

/** Tests that axe finds nothing, in both themes and at both widths; `walk` goes from page to page. */
export function testAccessible(site, walk) {
  test("axe finds nothing, in both themes and at both widths", async ({ page }) => {
    test.setTimeout(120_000);
    await signIn(page, site.gateway);
    const look = () => expectGood(page);
    await walk(page, look, async (path) => {
      await page.goto(site.gateway.origin() + path);
      await look();
    });
  });
}
