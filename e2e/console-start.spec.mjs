// From an empty site to a portal: one form, and the code that it leads to signs a token that is accepted.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "@playwright/test";

import { binary } from "../clients/lib/gateway.mjs";
import { expectFits, setUp, signIn, startGateway } from "./lib/console.mjs";
import { expectAccessible } from "./lib/hub.mjs";

let gateway, keys;

test.beforeAll(async ({ browser }) => {
  keys = mkdtempSync(join(tmpdir(), "jotgate-keys-"));
  execFileSync(binary, ["keygen", "--out", keys]);
  const started = await startGateway();
  gateway = started.gateway;
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  await setUp(await context.newPage(), gateway, started.link);
  await context.close();
});
test.afterAll(async () => {
  await gateway?.stop();
  rmSync(keys, { recursive: true, force: true });
});

const certificate = () => readFileSync(join(keys, "certificate.pem"), "utf8");
const status = async (prefix, headers) => (await gateway.request(`/${prefix}/hub/`, { headers })).status;

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with a script" : "without a script", () => {
    test.use({ javaScriptEnabled, viewport: { width: 360, height: 800 } });
    const prefix = javaScriptEnabled ? "with" : "without";

    test("the code of the last page signs a token that is accepted", async ({ page }) => {
      await signIn(page, gateway);
      await page.getByRole("link", { name: "Set up a portal" }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("A virtual proxy for your portal");
      await page.getByLabel("Prefix").fill(prefix);
      await page.getByLabel("Audience").fill("\"Portal\" 'of' ours");
      await page.getByLabel("Backend address").fill("nonsense");
      await page.getByRole("button", { name: "Create and link" }).click();
      await expect(page.getByRole("alert")).toContainText("Nothing was saved.");
      await expect(page.getByLabel("Certificate or public key")).toHaveAttribute("aria-invalid", "true");
      await expect(page.getByLabel("Backend address")).toHaveAttribute("aria-invalid", "true");
      await expect(page.getByLabel("Prefix")).toHaveValue(prefix);
      if (javaScriptEnabled) await expectAccessible(page);
      await expectFits(page);

      await page.getByLabel("Certificate or public key").fill(certificate());
      await page.getByLabel("Backend address").fill("http://127.0.0.1:9");
      await page.getByRole("button", { name: "Create and link" }).click();
      await expect(page.getByRole("status")).toContainText("Linked.");
      if (javaScriptEnabled) await expectAccessible(page);
      await expectFits(page);
      await expect(page.getByRole("region", { name: "Try it" }).last()).toContainText(`${gateway.origin()}/${prefix}/`);

      const code = await page.locator("#node-text").textContent();
      writeFileSync(join(keys, "token.mjs"), code);
      const token = execFileSync(process.execPath, ["token.mjs"], { cwd: keys, encoding: "utf8" }).trim();
      expect(await status(prefix, {})).toBe(401);
      // Nobody answers behind the gateway, but the token was good.
      expect(await status(prefix, { Authorization: `Bearer ${token}` })).toBe(502);
      await page.getByRole("link", { name: "Edit the virtual proxy" }).click();
      await expect(page.getByLabel("JWT attribute for user ID")).toHaveValue("userId");
    });
  });
}

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing on the form (${colorScheme})`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await signIn(page, gateway);
    await page.goto(`${gateway.origin()}/qmc/start`);
    await expectAccessible(page);
  });
}
