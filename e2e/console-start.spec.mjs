// From an empty site to a portal: one form, and the code that it leads to signs a token that is accepted.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "@playwright/test";

import { binary } from "../clients/lib/gateway.mjs";
import { startBackend } from "./lib/backend.mjs";
import { expectFits, setUp, signIn, startGateway, testAccessible, withConsole } from "./lib/console.mjs";
import { EmbeddingPortal } from "./lib/embedding.mjs";
import { expectAccessible } from "./lib/hub.mjs";

let gateway, keys;

const site = withConsole(async ({ gateway: started }) => {
  keys = mkdtempSync(join(tmpdir(), "jotgate-keys-"));
  execFileSync(binary, ["keygen", "--out", keys]);
  gateway = started;
});
test.afterAll(() => rmSync(keys, { recursive: true, force: true }));

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

test("from the set-up link to the backend's page, with a key that is made in the tab", async ({ page }) => {
  const empty = await startGateway();
  const backend = await startBackend();
  const portal = await EmbeddingPortal.start(empty.gateway, "portal");
  try {
    const begun = Date.now();
    await setUp(page, empty.gateway, empty.link);
    await page.locator("#main").getByRole("link", { name: "Set up a portal" }).click();
    await page.getByRole("button", { name: "Make a key pair here" }).click();
    await expect(page.getByLabel("Certificate or public key")).toHaveValue(/^-----BEGIN PUBLIC KEY-----/);
    await expect(page.getByText("A key pair was made in this tab")).toBeVisible();
    await expectAccessible(page);
    const saving = page.waitForEvent("download");
    await page.getByRole("link", { name: "save private_key.pem" }).click();
    const file = join(keys, "made.pem");
    await (await saving).saveAs(file);
    const secret = readFileSync(file, "utf8");
    expect(secret).toMatch(/^-----BEGIN PRIVATE KEY-----/);

    // A mistake on the way takes the key from nobody.
    const sent = [];
    page.on("request", (request) => sent.push(request.postData() ?? ""));
    await page.getByLabel("Address of the portal").fill("portal.localtest");
    await page.getByLabel("Backend address").fill("http://127.0.0.1:9");
    await page.getByRole("button", { name: "Check the backend" }).click();
    await expect(page.getByText("Start the backend, or correct the port.")).toBeVisible();
    await page.getByLabel("Backend address").fill(backend.origin);
    await page.getByRole("button", { name: "Check the backend" }).click();
    await expect(page.getByText(`${backend.origin}: the backend`)).toBeVisible();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Create and link" }).click();
    await expect(page.getByRole("alert").filter({ hasText: "Nothing was saved." })).toBeVisible();
    await page.getByLabel("Address of the portal").fill(portal.origin);
    await page.getByRole("button", { name: "Create and link" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Portal is served");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByText("Signed in as example\\boz. The backend answered with 200.")).toBeVisible();
    await expectAccessible(page);
    const opened = page.waitForEvent("popup");
    await page.getByRole("link", { name: "Open it as example\\boz" }).click();
    await expect((await opened).locator("body")).toContainText("The backend knows boz");
    console.log(`From the set-up link to the backend's page in ${Date.now() - begun} ms.`);

    // The key is nowhere but in the tab and in the file.
    const part = secret.split("\n")[3];
    expect(sent.some((body) => decodeURIComponent(body).includes(part)), "sent").toBe(false);
    const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    expect(stored).not.toContain(part);

    // After a reload it is gone from there, and its file does.
    await page.reload();
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByText("The key is not in this tab any more.")).toBeVisible();
    await page.getByLabel("Private key").setInputFiles(join(keys, "certificate.pem"));
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByText("That file holds no private key")).toBeVisible();
    await page.getByLabel("Private key").setInputFiles(join(keys, "private_key.pem"));
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByText("401 signature_invalid")).toBeVisible();
    await expectFits(page);
    await page.getByRole("link", { name: "Why, and what to do" }).click();
    await expect(page.getByText("signature_invalid").first()).toBeVisible();
    await page.goBack();

    // The page to copy embeds the backend in a page of another site.
    portal.key = secret;
    portal.page = (await page.locator("#page-text").textContent()).replaceAll("localhost", "gateway.localtest");
    await page.goto(portal.origin);
    await expect(page.frameLocator("#analytics").locator("body")).toContainText("The backend knows portia");
  } finally {
    await portal.stop();
    await backend.stop();
    await empty.gateway.stop();
  }
});

testAccessible(site, (page, look, visit) => visit("/qmc/start"));
