// The keys of a virtual proxy: another one takes the place of the old one, and nobody is kept out meanwhile.

import { createPublicKey } from "node:crypto";
import { createServer } from "node:http";

import { expect, test } from "@playwright/test";

import { Qrs } from "../clients/lib/qrs.mjs";
import { rsaKey, sign } from "../clients/lib/rsa.mjs";
import { startBackend } from "./lib/backend.mjs";
import { expectFits, expectGood, signIn, withConsole } from "./lib/console.mjs";
import { expectAccessible } from "./lib/hub.mjs";

let gateway, backend;

withConsole(async ({ gateway: started }) => {
  backend = await startBackend();
  gateway = started;
});
test.afterAll(() => backend?.stop());

/** The status of a request with a token of that key, and the cookie that came with it. */
async function ask(prefix, key, headers = {}) {
  const now = Math.floor(Date.now() / 1000);
  const token = sign({ userId: "boz", userDirectory: "example", iat: now, exp: now + 60 }, key.privateKey);
  const answer = await gateway.request(`/${prefix}/`, { headers: { Authorization: `Bearer ${token}`, ...headers } });
  return { status: answer.status, cookie: answer.headers["set-cookie"]?.[0].split(";")[0] };
}

const withCookie = async (prefix, Cookie) => (await gateway.request(`/${prefix}/`, { headers: { Cookie } })).status;

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with a script" : "without a script", () => {
    test.use({ javaScriptEnabled, viewport: { width: 360, height: 800 } });
    const prefix = javaScriptEnabled ? "with" : "without";

    test("a key is replaced while both hold", async ({ page }) => {
      const [old, next] = [rsaKey(), rsaKey()];
      await signIn(page, gateway);
      await page.goto(`${gateway.origin()}/qmc/start`);
      await page.getByLabel("Description").fill(prefix);
      await page.getByLabel("Prefix").fill(prefix);
      await page.getByLabel("Certificate or public key").fill(old.publicKey);
      await page.getByLabel("Backend address").fill(backend.origin);
      await page.getByRole("button", { name: "Create and link" }).click();
      await page.getByRole("link", { name: "Edit the virtual proxy" }).click();
      await page.getByRole("link", { name: "Keys", exact: true }).click();
      await expect(page.getByText("Not used")).toBeVisible();
      const opened = await ask(prefix, old);
      expect(opened.status).toBe(200);
      expect((await ask(prefix, next)).status).toBe(401);
      await page.reload();
      await expect(page.getByText("In use")).toBeVisible();
      await expect(page.getByText("1 was opened with it.")).toBeVisible();
      await expect(page.getByText("The newest with a token of it came at")).toBeVisible();

      await page.getByLabel("Certificate or public key").fill(next.privateKey);
      await page.getByRole("button", { name: "Add", exact: true }).click();
      await expect(page.getByRole("alert").filter({ hasText: "Nothing was changed." })).toContainText("It holds a private key");
      await expect(page.getByLabel("Certificate or public key")).toHaveValue("");
      if (javaScriptEnabled) await expectAccessible(page);
      await page.getByLabel("Certificate or public key").fill(next.publicKey);
      await page.getByRole("button", { name: "Add", exact: true }).click();
      await expect(page.getByRole("status").first()).toContainText("Added.");
      expect((await ask(prefix, next)).status).toBe(200);
      expect((await ask(prefix, old)).status).toBe(200);
      if (javaScriptEnabled) await expectAccessible(page);
      await expectFits(page);

      await page.reload();
      await page.getByRole("button", { name: /Remove key 1 ?, and end \d session/ }).click();
      await expect(page.getByRole("status").first()).toContainText("Removed.");
      expect((await ask(prefix, old)).status).toBe(401);
      expect((await ask(prefix, next)).status).toBe(200);
      expect(await withCookie(prefix, opened.cookie)).toBe(401);
    });
  });
}

test("a key pair is made on the page, and wrong pastes are recognised when the field is left", async ({ page }) => {
  await signIn(page, gateway);
  await page.goto(`${gateway.origin()}/qmc/start`);
  await page.getByLabel("Prefix").fill("pasted");
  await page.getByLabel("Certificate or public key").fill(rsaKey().publicKey);
  await page.getByLabel("Backend address").fill(backend.origin);
  await page.getByRole("button", { name: "Create and link" }).click();
  await page.getByRole("link", { name: "Edit the virtual proxy" }).click();
  const field = page.getByLabel("JWT certificate");
  const said = page.locator("[data-field=jwtPublicKeyCertificate] .wrong");
  for (const [pasted, expected] of [
    ['{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}', "holds a JWK"],
    [gateway.pem("server").split("\n").slice(1, -2).join("\r\n"), "without its first and last line"],
    [gateway.pem("server").slice(0, 300), "that is cut"],
    [gateway.pem("server_key"), "holds a private key"],
  ]) {
    await field.fill(pasted);
    await field.blur();
    await expect(said).toContainText(expected);
  }
  await field.fill(gateway.pem("server").replaceAll("\n", "\r\n"));
  await field.blur();
  await expect(said).toHaveCount(0);
  await expect(page.locator("#explained")).toContainText("Certificate: RSA");

  await page.getByRole("link", { name: "Keys", exact: true }).click();
  await page.getByRole("button", { name: "Make a key pair here" }).click();
  await expect(page.getByText("A key pair was made in this tab")).toBeVisible();
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByText("Added. Tokens of the old key and of the new one are accepted.")).toBeVisible();
  // The private half is still there to be saved.
  const saving = page.waitForEvent("download");
  await page.getByRole("link", { name: "save private_key.pem" }).click();
  expect((await saving).suggestedFilename()).toBe("private_key.pem");
});

/** An issuer that publishes a key and something that is none. */
async function startIssuer(kid) {
  const jwk = createPublicKey(rsaKey().publicKey).export({ format: "jwk" });
  const keys = [{ ...jwk, kid, use: "sig", alg: "RS256" }, { kty: "oct", kid: "a secret", k: "AAAA" }];
  const server = createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ keys }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://127.0.0.1:${server.address().port}/keys`, server };
}

test("the keys that an issuer publishes are shown, and why they cannot be had", async ({ page }) => {
  const { address, server } = await startIssuer("first-of-2026");
  try {
    const qrs = new Qrs(gateway);
    const publishing = (prefix, jwtJwksUri) => ({
      description: prefix,
      prefix,
      sessionCookieHeaderName: `X-Qlik-Session-${prefix}`,
      authenticationMethod: "JWT",
      jwtAttributeUserId: "sub",
      jwtAttributeUserDirectory: "[issuer]",
      jwtAudience: "gate",
      jwtJwksUri,
    });
    const good = await qrs.expect(201, "POST", "virtualproxyconfig", publishing("published", address));
    const nobody = await qrs.expect(201, "POST", "virtualproxyconfig", publishing("silent", "http://127.0.0.1:9/keys"));
    await signIn(page, gateway);
    await expect(async () => {
      await page.goto(`${gateway.origin()}/qmc/virtual-proxies/${good.id}/keys`);
      await expect(page.getByText("Fetched", { exact: true })).toBeVisible({ timeout: 500 });
    }).toPass();
    const shown = page.getByRole("region", { name: "Published keys" });
    await expect(shown).toContainText(address);
    await expect(shown).toContainText("first-of-2026");
    await expect(shown).toContainText("a secret");
    await expectGood(page);

    await expect(async () => {
      await page.goto(`${gateway.origin()}/qmc/virtual-proxies/${nobody.id}/keys`);
      await expect(page.getByText("Not reachable", { exact: true })).toBeVisible({ timeout: 500 });
    }).toPass();
    await expect(page.getByRole("region", { name: "Published keys" })).toContainText("refused");
    await expectGood(page);
    await page.goto(`${gateway.origin()}/qmc/certificates`);
    await expect(page.getByRole("row").filter({ hasText: "127.0.0.1:9/keys" })).toContainText("refused");
  } finally {
    server.close();
  }
});
