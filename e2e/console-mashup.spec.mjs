// The mashup of the real system's documentation: a page of another origin with the hub in a frame, a
// script that asks with credentials, and a WebSocket. Everything that it needs is set in the console.

import { expect, test } from "@playwright/test";

import { Gateway } from "../clients/lib/gateway.mjs";
import { rsaKey, sign } from "../clients/lib/rsa.mjs";
import { expectFits } from "./lib/console.mjs";
import { EmbeddingPortal } from "./lib/embedding.mjs";
import { expectAccessible, expectHub } from "./lib/hub.mjs";

const NAME = "gateway.site.localtest";
const pair = rsaKey();
let gateway;

test.beforeAll(async () => {
  gateway = await Gateway.start({ flags: ["--public-host", NAME] });
  await expect.poll(() => gateway.log).toMatch(PASSWORD);
});
test.afterAll(() => gateway?.stop());

const PASSWORD = /shown once:\s+(\S+)/;

async function signIn(page) {
  await page.goto(`${gateway.origin()}/qmc/`);
  await page.getByLabel("Name").fill("admin");
  await page.getByLabel("Password").fill(PASSWORD.exec(gateway.log)[1]);
  await page.getByRole("button").click();
  await page.waitForURL("**/qmc/**");
}

/** The sections of the edit page as the documentation goes through them; `advanced` is the rest. */
async function create(page, prefix, advanced) {
  await signIn(page);
  await page.goto(`${gateway.origin()}/qmc/virtual-proxies`);
  await page.getByRole("link", { name: "Create new" }).click();
  await page.getByLabel("Description").fill(prefix);
  await page.getByLabel("Prefix").fill(prefix);
  await page.getByLabel("Session cookie header name").fill(`X-Qlik-Session-${prefix}`);
  await page.getByLabel("Authentication method", { exact: true }).selectOption("JWT");
  await page.getByLabel("JWT certificate").fill(pair.publicKey);
  await page.getByLabel("JWT attribute for user ID").fill("userId");
  await page.getByLabel("JWT attribute for user directory").fill("userDirectory");
  await page.getByLabel("JWT attribute 1", { exact: true }).fill("Group");
  await page.getByLabel("Qlik Sense attribute 1").fill("Group");
  await advanced();
  await page.getByRole("button", { name: "Apply" }).last().click();
  await expect(page.getByRole("status")).toContainText("Created.");
  await page.getByRole("button", { name: "Link Central", exact: true }).click();
  await expect(page.getByRole("status")).toContainText("nothing had to restart");
}

/** The mashup: it signs in when it is asked to, and says what worked. */
function mashup(prefix) {
  const at = `${NAME}:${gateway.port}/${prefix}`;
  return `<!doctype html><html lang="en"><title>Mashup</title>
    <h1>Mashup</h1><p id="fetched"></p><p id="socket"></p>
    <iframe id="hub" title="Hub" width="1000" height="700"></iframe>
    <script type="module">
      const say = (id, text) => (document.getElementById(id).textContent = text);
      if (location.hash === "#sign-in") {
        const token = await (await fetch("/token")).text();
        const headers = { Authorization: "Bearer " + token };
        await fetch("https://${at}/qps/csrftoken", { headers, credentials: "include" }).catch(() => {});
      }
      await fetch("https://${at}/qps/user", { credentials: "include" }).then(
        async (answer) => say("fetched", answer.status + " " + await answer.text()),
        () => say("fetched", "blocked"),
      );
      const socket = new WebSocket("wss://${at}/app/engineData");
      socket.onopen = () => socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, handle: -1, method: "GetAuthenticatedUser", params: [] }));
      socket.onmessage = ({ data }) => data.includes('"id":1') && say("socket", data);
      socket.onclose = () => say("socket", "closed");
      document.getElementById("hub").src = "https://${at}/hub/";
    </script></html>`;
}

async function expectWorks(page) {
  await expect(page.locator("#fetched")).toContainText('"userId":"portia"');
  await expect(page.locator("#socket")).toContainText("portia");
  await expectHub(page.frameLocator("#hub"), "portia");
}

/** The token comes with the first request, as with a tool that adds the header. */
async function openHub(page) {
  const now = Math.floor(Date.now() / 1000);
  const claims = { userId: "portia", userDirectory: "example", Group: "sales", iat: now, exp: now + 60 };
  await page.setExtraHTTPHeaders({ Authorization: `Bearer ${sign(claims, pair.privateKey)}` });
  await page.goto(`https://${NAME}:${gateway.port}/typed/hub/`);
  await page.setExtraHTTPHeaders({});
  await expectHub(page, "portia");
}

async function serve(prefix, host) {
  const portal = await EmbeddingPortal.start(gateway, host);
  portal.key = pair.privateKey;
  portal.page = mashup(prefix);
  return portal;
}

test("as the documentation has it: a shared cookie, header lines and the allow list", async ({ page }) => {
  const portal = await serve("typed", "mashup.site");
  try {
    await create(page, "typed", async () => {
      await page.getByLabel("Session cookie domain").fill("site.localtest");
      const lines = { "Access-Control-Allow-Origin": portal.origin, "Access-Control-Allow-Credentials": "true" };
      for (const [at, [name, value]] of Object.entries(lines).entries()) {
        const rows = page.locator("[data-field=additionalResponseHeaders]");
        await rows.getByLabel(`Name ${at + 1}`).fill(name);
        await rows.getByLabel(`Value ${at + 1}`).fill(value);
        await rows.getByRole("button", { name: "Add" }).click();
        await expect(rows.getByLabel(`Name ${at + 2}`)).toBeVisible();
      }
      await page.getByLabel("Host allow list, entry 1").fill(NAME);
      await page.getByRole("button", { name: "Add to Host allow list" }).click();
      await page.getByLabel("Host allow list, entry 2").fill("mashup.site.localtest");
    });
    await openHub(page);
    await page.goto(portal.origin);
    await expectWorks(page);
  } finally {
    await portal.stop();
  }
});

for (const [way, host] of [["It is below the same domain", "mashup.site"], ["It is of another site", "mashup"]]) {
  test(`filled in by the console: ${way}`, async ({ page }) => {
    const prefix = host.replace(".", "-");
    const portal = await serve(prefix, host);
    try {
      await create(page, prefix, async () => {
        await page.getByText("Fill in what a mashup needs").click();
        await page.getByLabel("Where it is").selectOption(way);
        await page.getByLabel("Address of the mashup").fill("mashup");
        await page.getByRole("button", { name: "Fill in" }).click();
        await expect(page.getByText("It cannot be used:")).toBeVisible();
        await page.getByLabel("Address of the mashup").fill(portal.origin);
        await page.getByRole("button", { name: "Fill in" }).click();
        await expect(page.getByText(`Filled in for ${portal.origin}.`)).toBeVisible();
        await expect(page.getByText(`${host}.localtest alone, port`)).toBeVisible();
        await expectAccessible(page);
        await expectFits(page);
      });
      await page.goto(`${portal.origin}/#sign-in`);
      await expectWorks(page);
    } finally {
      await portal.stop();
    }
  });
}

test("a page that nobody has allowed gets nothing of it, whatever the cookie", async ({ page }) => {
  const portal = await serve("typed", "stranger.site");
  try {
    await openHub(page);
    await page.goto(portal.origin);
    await expect(page.locator("#fetched")).toHaveText("blocked");
    await expect(page.locator("#socket")).toHaveText("closed");
  } finally {
    await portal.stop();
  }
});
