// The console, as an administrator with a browser uses it.

import { expect } from "@playwright/test";

import { Gateway } from "../../clients/lib/gateway.mjs";

export const PASSWORD = "correct horse battery";

/** A gateway without anything, and the set-up link that it has printed. */
export async function startGateway() {
  const gateway = await Gateway.start({ command: "serve" });
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

/** Signs in with the form; ends in the console. */
export async function signIn(page, gateway, name = "anna") {
  await page.goto(`${gateway.origin()}/qmc/`);
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button").click();
  await page.waitForURL("**/qmc/**");
}

/** Nothing has to be scrolled sideways. */
export async function expectFits(page) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(over, "pixels beyond the edge").toBeLessThanOrEqual(0);
}
