// The token workbench: from a pasted token to the cause of its refusal and the field that changes it.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "@playwright/test";

import { binary } from "../clients/lib/gateway.mjs";
import { Qrs } from "../clients/lib/qrs.mjs";
import { sign } from "../clients/lib/rsa.mjs";
import { signIn, testAccessible, withConsole } from "./lib/console.mjs";
import { expectAccessible } from "./lib/hub.mjs";

let gateway, keys, id;

const site = withConsole(async ({ gateway: started }) => {
  keys = mkdtempSync(join(tmpdir(), "jotgate-keys-"));
  execFileSync(binary, ["keygen", "--out", keys]);
  gateway = started;
  const draft = {
    description: "Portal",
    prefix: "portal",
    sessionCookieHeaderName: "X-Qlik-Session-portal",
    authenticationMethod: "JWT",
    jwtPublicKeyCertificate: readFileSync(join(keys, "certificate.pem"), "utf8"),
    jwtAttributeUserId: "userId",
    jwtAttributeUserDirectory: "userDirectory",
  };
  ({ id } = await new Qrs(gateway).expect(201, "POST", "virtualproxyconfig", draft));
});
test.afterAll(() => rmSync(keys, { recursive: true, force: true }));

/** A token of the portal; `ago` seconds past its end. */
function token(claims = {}, ago = -600) {
  const exp = Math.floor(Date.now() / 1000) - ago;
  const all = { userId: "boz", userDirectory: "example", exp, ...claims };
  return sign(all, readFileSync(join(keys, "private_key.pem"), "utf8"));
}

async function check(page, text) {
  await page.getByLabel("Virtual proxy", { exact: true }).selectOption({ label: "Portal (/portal)" });
  await page.getByRole("textbox", { name: "Token" }).fill(text);
  await page.getByRole("button", { name: "Check the token" }).click();
}

testAccessible(site, async (page, look, visit) => {
  await visit("/qmc/tokens");
  for (const text of [token(), token({}, 600), "nonsense", " "]) {
    await check(page, text);
    await look();
  }
});

test("a token is made with a key that stays in the tab, and checked", async ({ page }) => {
  const posted = [];
  page.on("request", (request) => posted.push(request.postData() ?? ""));
  await signIn(page, gateway);
  await page.goto(`${gateway.origin()}/qmc/tokens?virtual-proxy=${id}`);
  await page.getByLabel("Private key").setInputFiles(join(keys, "private_key.pem"));
  await page.getByLabel("Value 1").fill("ann");
  await page.getByLabel("Key id").fill("first");
  await page.getByRole("button", { name: "Make the token" }).click();
  await expect(page.getByText("The token is in the field at the top")).toBeVisible();
  await page.getByRole("button", { name: "Check the token" }).click();
  await expect(page.getByRole("status").first()).toContainText("It signs in example\\ann.");
  await expect(page.getByRole("region", { name: "Header" })).toContainText('"kid": "first"');
  await expect(page.getByText(/expires in [45] minutes/)).toBeVisible();
  await page.getByRole("button", { name: "Make a key pair here" }).click();
  await expect(page.getByLabel("Public key that was made here")).toHaveValue(/BEGIN PUBLIC KEY/);
  await page.getByRole("button", { name: "Make the token" }).click();
  await expect(page.getByText("The token is in the field at the top")).toBeVisible();
  await page.getByRole("button", { name: "Check the token" }).click();
  await expect(page.getByRole("status").first()).toContainText("signature_invalid");
  expect(posted.some((body) => body.includes("PRIVATE"))).toBe(false);
  await expectAccessible(page);
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a refused token leads to its cause and to the field", async ({ page }) => {
    await signIn(page, gateway);
    await page.getByRole("link", { name: "Token workbench" }).click();
    await check(page, `"Bearer ${token({}, 180)}"`);
    await expect(page.getByRole("status")).toContainText("401 token_expired");
    await expect(page.getByText("expired 3 minutes ago")).toBeVisible();
    await expect(page.getByText("quotes around it, Bearer before it")).toBeVisible();
    await page.getByRole("link", { name: "To the field: Clock tolerance" }).click();
    await expect(page).toHaveURL(`${gateway.origin()}/qmc/virtual-proxies/${id}#f-jwtClockSkewSeconds`);
    await expect(page.getByLabel("Clock tolerance")).toBeVisible();
  });

  test("a good token shows the user and what the backend is told", async ({ page }) => {
    await signIn(page, gateway);
    await page.goto(`${gateway.origin()}/qmc/virtual-proxies/${id}`);
    await page.getByRole("link", { name: "Try a token" }).click();
    await expect(page.getByLabel("Virtual proxy", { exact: true })).toHaveValue(id);
    await check(page, token());
    await expect(page.getByRole("status")).toContainText("It signs in example\\boz.");
    await expect(page.getByText("UserDirectory=example; UserId=boz")).toBeVisible();
    expect(page.url()).toBe(`${gateway.origin()}/qmc/tokens#verdict`);
  });

  test("a token is sent through the real request path", async ({ page }) => {
    await signIn(page, gateway);
    await page.goto(`${gateway.origin()}/qmc/virtual-proxies/${id}/proxies`);
    await page.getByRole("button", { name: "Link Central", exact: true }).click();
    await page.getByRole("link", { name: "Try a token" }).click();
    await page.getByLabel("Path of the request").fill("/hub/");
    await page.getByRole("textbox", { name: "Token" }).fill(token());
    await page.getByRole("button", { name: "Check and send it" }).click();
    await expect(page.getByRole("region", { name: "curl" })).toContainText(`${gateway.origin()}/portal/hub/`);
    const answer = page.locator(".card", { has: page.getByRole("heading", { name: "Answer to GET /portal/hub/" }) });
    // No node is behind it, but the token was good.
    await expect(answer).toContainText("503 node_unavailable");
    await answer.getByRole("link").click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("GET /portal/hub/");
    await expect(page.getByText("jotgate-probe")).toBeVisible();
    await expect(page.getByText("example\\boz")).toBeVisible();
  });

  test("a token of any provider fills in a virtual proxy", async ({ page }) => {
    await signIn(page, gateway);
    await page.goto(`${gateway.origin()}/qmc/tokens`);
    const claims = { iss: "https://id.example.com", aud: "gate", oid: "42" };
    await page.getByRole("textbox", { name: "Token" }).fill(token(claims));
    await page.getByRole("button", { name: "Check the token" }).click();
    await page.getByLabel("Claim with the user ID").selectOption("oid");
    await page.getByLabel("Claim with the user directory").selectOption("");
    await page.getByLabel("Fixed user directory").fill("ENTRA");
    await page.getByRole("button", { name: "Fill in a new virtual proxy" }).click();
    await expect(page.getByLabel("JWT attribute for user ID")).toHaveValue("oid");
    await expect(page.getByLabel("JWT attribute for user directory")).toHaveValue("[ENTRA]");
    await expect(page.getByLabel("JWT issuer")).toHaveValue("https://id.example.com");
    await expect(page.getByLabel("JWT audience")).toHaveValue("gate");
    await expect(page.getByLabel("Discovery:")).toBeChecked();
  });

  test("what a token says stays text", async ({ page }) => {
    const evil = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;
    await signIn(page, gateway);
    await page.goto(`${gateway.origin()}/qmc/tokens`);
    await check(page, token({ userId: evil, [evil]: evil }));
    await expect(page.getByRole("status")).toContainText(evil);
    expect(await page.locator("main img, main script").count()).toBe(0);
  });
});
