// The how-tos that administrators of the real system know, step by step: what each of them needs another tool for
// (OpenSSL, jwt.io, Fiddler, ModHeader) is done in the console. docs/manual/console.md has the table.

import { expect, test } from "@playwright/test";

import { startBackend } from "./lib/backend.mjs";
import { expectFits, signIn, withConsole } from "./lib/console.mjs";
import { expectAccessible } from "./lib/hub.mjs";

const NODE = "Engine";
const site = withConsole();
let backend;

test.beforeAll(async ({ browser }) => {
  backend = await startBackend();
  // The engine server that the guides take for granted.
  const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  await signIn(page, site.gateway);
  await page.goto(`${site.gateway.origin()}/qmc/nodes/new`);
  await page.getByLabel("Name", { exact: true }).fill(NODE);
  await page.getByLabel("Host name").fill("engine.example.com");
  await page.getByLabel("Path 1", { exact: true }).fill("/");
  await page.getByLabel("Address 1", { exact: true }).fill(backend.origin);
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByRole("status")).toContainText("Created.");
  await page.context().close();
});
test.afterAll(() => backend?.stop());

/** "Configure System", "Virtual Proxies", "Create New", and the section Identification. */
async function beginVirtualProxy(page, name) {
  await expect(page.getByRole("heading", { name: "Configure system" })).toBeVisible();
  await page.getByRole("link", { name: "Virtual proxies" }).click();
  await page.getByRole("link", { name: "Create new" }).click();
  await page.getByLabel("Description").fill(name);
  await page.getByLabel("Prefix").fill(name);
  await page.getByLabel("Session cookie header name").fill(`X-Qlik-Session-${name}`);
  await page.getByLabel("Authentication method", { exact: true }).selectOption("JWT");
  await page.getByLabel("JWT attribute for user ID").fill("userId");
  await page.getByLabel("JWT attribute for user directory").fill("userDirectory");
  const nodes = page.getByRole("group", { name: "Load balancing nodes" });
  await nodes.getByLabel("Central").uncheck();
  await nodes.getByLabel(NODE).check();
}

/** "Apply", and "Associated items", "Proxies", "Link". */
async function applyAndLink(page) {
  await page.getByRole("button", { name: "Apply" }).last().click();
  await expect(page.getByRole("status")).toContainText("Created.");
  await page.getByRole("button", { name: "Link Central", exact: true }).click();
  await expect(page.getByRole("status")).toContainText("nothing had to restart");
}

/** The public key of OpenSSL's `public.key`, and the private one beside it. */
async function makePair(page) {
  await page.goto(`${site.gateway.origin()}/qmc/tokens`);
  await page.getByRole("button", { name: "Make a key pair here" }).click();
  const field = page.getByLabel("Public key that was made here");
  await expect(field).toHaveValue(/BEGIN PUBLIC KEY/);
  const saving = page.waitForEvent("download");
  await page.getByRole("link", { name: "save private_key.pem" }).click();
  const file = test.info().outputPath("private_key.pem");
  await (await saving).saveAs(file);
  return { file, publicKey: await field.inputValue() };
}

test("JWT authentication with a key pair of one's own: no OpenSSL", async ({ page }) => {
  await signIn(page, site.gateway);
  const { file, publicKey } = await makePair(page);
  await beginVirtualProxy(page, "pair");
  await page.getByLabel("JWT certificate").fill(publicKey);
  // "Advanced Configuration (Optional)": the host allow list.
  await page.getByLabel("Host allow list, entry 1").fill("10.0.0.7");
  await applyAndLink(page);

  // A provider's token: jwt.io's place is the workbench.
  await page.getByRole("link", { name: "Try a token" }).click();
  await page.getByLabel("Private key").setInputFiles(file);
  await page.getByLabel("Value 1").fill("boz");
  await page.getByLabel("Value 2").fill("example");
  await page.getByRole("button", { name: "Make the token" }).click();
  await page.getByRole("button", { name: "Check and send it" }).click();
  await expect(page.getByText("It signs in example\\boz.")).toBeVisible();
  const answer = page.locator(".card", { has: page.getByRole("heading", { name: "Answer to GET /pair/" }) });
  await expect(answer).toContainText("The backend knows boz");
  await expectAccessible(page);
  await expectFits(page);

  // "Troubleshooting": each row of the table is said by the workbench, with the field that helps.
  await page.getByLabel("Claim 1", { exact: true }).fill("user");
  await page.getByLabel("Private key").setInputFiles(file);
  await page.getByRole("button", { name: "Make the token" }).click();
  await page.getByRole("button", { name: "Check the token" }).click();
  await expect(page.getByRole("status").first()).toContainText("claim_missing");
  await page.getByRole("link", { name: /^To the field: JWT attribute for user ID/ }).click();
  await expect(page.getByLabel("JWT attribute for user ID")).toBeFocused();
});

test("JWT authentication with the server's own certificate: no jwt.io, no ModHeader, no Fiddler", async ({ page }) => {
  await signIn(page, site.gateway);
  await beginVirtualProxy(page, "own");
  // "Open server.pem in a text editor, copy the content, paste it": it is explained at once.
  await page.getByLabel("JWT certificate").fill(site.gateway.pem("server"));
  await page.getByRole("button", { name: "Explain what is pasted" }).click();
  await expect(page.getByText("CN=Jotgate server")).toBeVisible();
  // The key that belongs to it, pasted by mistake, is recognised and not kept.
  await page.getByLabel("JWT certificate").fill(site.gateway.pem("server_key"));
  await page.getByRole("button", { name: "Apply" }).last().click();
  await expect(page.getByRole("alert")).toContainText("Nothing was saved.");
  await expect(page.getByLabel("JWT certificate")).toHaveValue("");
  await page.getByLabel("JWT certificate").fill(site.gateway.pem("server"));
  await applyAndLink(page);

  // "Try to go to the hub. You should get a 401 error."
  const refused = await site.gateway.request("/own/hub/", { headers: { accept: "text/html" } });
  expect(refused.status).toBe(401);
  expect(refused.text).toContain("Could not authenticate the request: Expected an authentication header");

  // "Generate the JWT": server_key.pem stays where it is.
  await page.getByRole("link", { name: "Try a token" }).click();
  const own = page.getByRole("region", { name: "Make a token with the gateway's own key" });
  await own.getByLabel("Accepted by").selectOption({ label: "own (/own)" });
  await own.getByLabel("User ID").fill("boz");
  await own.getByLabel("User directory").fill("DOMAIN");
  await own.getByLabel("Further claims").fill("nonsense");
  await own.getByRole("button", { name: "Sign and check it" }).click();
  await expect(page.getByRole("alert")).toContainText("must be a JSON object");
  await expect(own.getByLabel("User ID")).toHaveValue("boz");
  await expectAccessible(page);
  await own.getByLabel("Further claims").fill('{"email": "boz@example.com"}');
  await own.getByRole("button", { name: "Sign and check it" }).click();
  await expect(page.getByText("It signs in DOMAIN\\boz.")).toBeVisible();
  await expect(page.getByRole("region", { name: "Claims" })).toContainText('"jti"');
  await expectAccessible(page);
  await expectFits(page);

  // "Install ModHeader, set the header, reload": sent from here, as the header of a real request.
  await page.getByLabel("Path of the request").fill("/hub/");
  await page.getByRole("button", { name: "Check and send it" }).click();
  const answer = page.locator(".card", { has: page.getByRole("heading", { name: "Answer to GET /own/hub/" }) });
  await expect(answer).toContainText("200");
  await expect(answer).toContainText("The backend knows boz");

  // "Under the Auth tab the JWT should be displayed": the request has what its token says, and never the token.
  await answer.getByRole("link").click();
  await expect(page.getByRole("region", { name: "What its token says" })).toContainText('"userId":"boz"');
  await expectAccessible(page);

  // Who made it is in the trail.
  await page.goto(`${site.gateway.origin()}/qmc/audit?action=token.mint`);
  const row = page.getByRole("row").filter({ hasText: "token.mint" });
  await expect(row).toHaveCount(1);
  await row.getByText("Fields").click();
  await expect(row).toContainText("DOMAIN\\boz");
});

test("what happens with a signed token, as the documentation of the real system lists it", async ({ page }) => {
  await signIn(page, site.gateway);
  const { file } = await makePair(page);
  const { gateway } = site;
  // "Only RS256, RS384 and RS512": the others are there, and off.
  await page.goto(`${gateway.origin()}/qmc/virtual-proxies/new`);
  const algorithms = page.getByRole("group", { name: "Algorithms" });
  for (const name of ["RS256", "RS384", "RS512"]) await expect(algorithms.getByLabel(name)).toBeChecked();
  for (const name of ["PS256", "ES256", "EdDSA"]) await expect(algorithms.getByLabel(name)).not.toBeChecked();
  // "If the calls do include a JWT it will be validated": a stranger's key is refused, and said why.
  await page.goto(`${gateway.origin()}/qmc/tokens`);
  await page.getByLabel("Virtual proxy", { exact: true }).selectOption({ label: "own (/own)" });
  await page.getByLabel("Private key").setInputFiles(file);
  await page.getByRole("button", { name: "Make the token" }).click();
  await page.getByRole("button", { name: "Check the token" }).click();
  await expect(page.getByRole("status").first()).toContainText("signature_invalid");
  // "Encrypted JWTs are not supported."
  await page.getByRole("textbox", { name: "Token" }).fill("eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a.b.c.d");
  await page.getByRole("button", { name: "Check the token" }).click();
  await expect(page.getByRole("status").first()).toContainText("token_encrypted");
});
