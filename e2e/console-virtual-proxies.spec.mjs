// A virtual proxy, from the set-up link to a token that works, in the console alone. With and without a
// script; with mistakes on the way.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "@playwright/test";

import { binary } from "../clients/lib/gateway.mjs";
import { sign } from "../clients/lib/rsa.mjs";
import { PASSWORD, signIn, testAccessible, withConsole } from "./lib/console.mjs";
import { expectAccessible } from "./lib/hub.mjs";

let gateway, keys;

const site = withConsole(async ({ gateway: started }) => {
  keys = mkdtempSync(join(tmpdir(), "jotgate-keys-"));
  execFileSync(binary, ["keygen", "--out", keys]);
  gateway = started;
});
test.afterAll(() => rmSync(keys, { recursive: true, force: true }));

const certificate = () => readFileSync(join(keys, "certificate.pem"), "utf8");

function token(claims) {
  const now = Math.floor(Date.now() / 1000);
  return sign({ iat: now, exp: now + 300, ...claims }, readFileSync(join(keys, "private_key.pem")));
}

const status = async (prefix, claims) =>
  (await gateway.request(`/${prefix}/hub/`, { headers: { Authorization: `Bearer ${token(claims)}` } })).status;

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with a script" : "without a script", () => {
    test.use({ javaScriptEnabled });
    const prefix = javaScriptEnabled ? "with" : "without";

    test("a virtual proxy is created, linked, and takes a token", async ({ page }) => {
      await signIn(page, gateway);
      await page.getByRole("link", { name: "Create new" }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Create new virtual proxy");
      await page.getByLabel("Description").fill(`Portal ${prefix}`);
      await page.getByLabel("Prefix").fill("Not Allowed");
      await page.getByLabel("Session cookie header name").fill(`X-Qlik-Session-${prefix}`);
      await page.getByLabel("JWT certificate").fill(certificate());
      await page.getByLabel("JWT attribute for user ID").fill("userId");
      await page.getByLabel("JWT attribute for user directory").fill("[example]");
      await page.getByRole("button", { name: "Explain what is pasted" }).click();
      await expect(page.getByText("Certificate: RSA, 2048 bits")).toBeVisible();

      await page.getByLabel("Host allow list, entry 1").fill("*.example.com");
      await page.getByRole("button", { name: "Add to Host allow list" }).click();
      await expect(page.getByText("any subdomain of example.com, not example.com itself, any port")).toBeVisible();
      await page.getByRole("button", { name: "Apply" }).last().click();
      await expect(page.getByRole("alert")).toContainText("Nothing was saved.");
      await expect(page.getByLabel("Prefix")).toHaveAttribute("aria-invalid", "true");
      await expect(page.getByLabel("Prefix")).toHaveValue("Not Allowed");
      if (javaScriptEnabled) await expect(page.getByLabel("Prefix")).toBeFocused();

      await page.getByLabel("Prefix").fill(prefix);
      await page.getByRole("button", { name: "Apply" }).last().click();
      await expect(page.getByRole("status")).toContainText("Created.");
      expect(await status(prefix, { userId: "boz" })).toBe(400);
      await page.getByRole("button", { name: "Link Central", exact: true }).click();
      await expect(page.getByRole("status")).toContainText("Linked.");
      // Nobody answers behind the gateway, but the token was good.
      expect(await status(prefix, { userId: "boz" })).toBeGreaterThan(500);
      expect(await status(prefix, { other: "boz" })).toBe(401);
    });

    test("a change of somebody else is told", async ({ page, context }) => {
      await signIn(page, gateway);
      const edit = page.getByRole("link", { name: `Portal ${prefix}` });
      await edit.click();
      const other = await context.newPage();
      await other.goto(page.url());
      await other.getByLabel("Session inactivity timeout").fill("99");
      await other.getByRole("button", { name: "Apply" }).last().click();
      await expect(other.getByRole("status")).toContainText("Saved.");
      await page.getByLabel("Session cookie domain").fill("example.com");
      await page.getByRole("button", { name: "Apply" }).last().click();
      await expect(page.getByRole("alert")).toContainText("INTERNAL\\anna changed this virtual proxy");
      await expect(page.getByRole("alert")).toContainText("Session inactivity timeout");
      await expect(page.getByLabel("Session cookie domain")).toHaveValue("example.com");
    });
  });
}

test("a field that is left is judged at once, in the words of a save", async ({ page }) => {
  await signIn(page, gateway);
  await page.goto(`${gateway.origin()}/qmc/virtual-proxies/new`);
  const field = (name) => page.locator(`[data-field=${name}]`);
  await page.getByLabel("Prefix").fill("Portal!");
  await page.getByLabel("Prefix").blur();
  await expect(field("prefix").locator(".wrong")).toContainText("lower case letters");
  await expect(page.getByLabel("Prefix")).toHaveAttribute("aria-invalid", "true");
  // Nobody has been at the others yet.
  await expect(page.locator(".wrong")).toHaveCount(1);
  await expectAccessible(page);
  await page.getByLabel("Prefix").fill("good");
  await page.getByLabel("JWT certificate").fill(certificate());
  await page.getByLabel("JWT certificate").blur();
  await expect(field("prefix").locator(".wrong")).toHaveCount(0);
  await expect(field("jwtPublicKeyCertificate")).toContainText("Certificate: RSA, 2048 bits");
  await page.getByLabel("Host allow list, entry 1").fill("*.example.com:8443");
  await page.getByLabel("Host allow list, entry 1").blur();
  await expect(field("websocketCrossOriginWhiteList")).toContainText("not example.com itself, port 8443 only");
});

test("what was typed survives a session that has ended", async ({ page, context }) => {
  await signIn(page, gateway);
  await page.goto(`${gateway.origin()}/qmc/virtual-proxies/new`);
  await page.getByLabel("Description").fill("Typed for an hour");
  await page.getByLabel("JWT certificate").fill("nothing that is kept");
  await page.getByLabel("CORS origins, entry 1").fill("https://a.example.com");
  await page.getByRole("button", { name: "Add to CORS origins" }).click();
  await page.getByLabel("CORS origins, entry 2").fill("https://b.example.com");
  await context.clearCookies();
  await page.getByRole("button", { name: "Apply" }).last().click();
  await expect(page.getByRole("alert")).toContainText("Your session has ended, and nothing was saved.");
  await expectAccessible(page);
  expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage }))).not.toContain("nothing that is kept");
  await page.getByLabel("Name").fill("anna");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/qmc/virtual-proxies/new");
  await expect(page.getByText("Changes that were never saved are kept in this tab")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Put them back" }).click();
  await expect(page.getByLabel("Description")).toHaveValue("Typed for an hour");
  await expect(page.getByLabel("CORS origins, entry 2")).toHaveValue("https://b.example.com");
  await expect(page.getByLabel("JWT certificate")).toHaveValue("");
  await page.getByLabel("Prefix").fill("kept");
  await page.getByLabel("Session cookie header name").fill("X-Qlik-Session-kept");
  await page.getByLabel("JWT certificate").fill(certificate());
  await page.getByLabel("JWT attribute for user ID").fill("userId");
  await page.getByLabel("JWT attribute for user directory").fill("[example]");
  await page.getByRole("button", { name: "Apply" }).last().click();
  await expect(page.getByRole("status")).toContainText("Created.");
  // Saved is saved.
  await page.goto(`${gateway.origin()}/qmc/virtual-proxies/new`);
  await expect(page.getByLabel("Description")).toHaveValue("");
  await expect(page.getByText("Changes that were never saved")).toBeHidden();
});

testAccessible(site, async (page, look, visit) => {
  await visit("/qmc/virtual-proxies/new");
  await page.getByLabel("JWT certificate").fill(certificate());
  await page.getByLabel("CORS origins, entry 1").fill("nonsense");
  await page.getByRole("button", { name: "Apply" }).last().click();
  await expect(page.getByRole("alert")).toBeVisible();
  await look();
});
