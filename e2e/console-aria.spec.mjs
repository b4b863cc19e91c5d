// What pages of the console say to a screen reader: heading, landmarks, names of fields and buttons. A change of a
// file beside this one is a change of what people hear. What differs from run to run (times, ids, numbers that
// count) is a pattern there, or left out.

import { expect, test } from "@playwright/test";

import { Qrs } from "../clients/lib/qrs.mjs";
import { sign } from "../clients/lib/rsa.mjs";
import { signIn, withConsole } from "./lib/console.mjs";

/** Pages of a gateway without anything. */
const EMPTY = [
  "nodes", "nodes/new", "proxies", "tags", "custom-properties/new", "certificates", "api-keys",
  "start", "tokens", "configuration", "virtual-proxies/new", "settings",
];

/** Pages of a gateway with a portal, a user and a refused request: name and address. */
const USED = [
  ["overview", ""],
  ["virtual-proxies", "virtual-proxies"],
  ["virtual-proxies-one", "virtual-proxies/ID"],
  ["virtual-proxies-keys", "virtual-proxies/ID/keys"],
  ["virtual-proxies-proxies", "virtual-proxies/ID/proxies"],
  ["virtual-proxies-delete", "virtual-proxies/ID/delete"],
  ["start-portal", "start/ID"],
  ["users", "users"],
  ["sessions", "sessions?user=boz"],
  ["requests", "requests?outcome=refused"],
  ["history", "history"],
  ["history-one", "history/3"],
  ["preview", "history/3/restore"],
  ["audit", "audit?action=configuration"],
  ["search", "search?q=portal"],
];

const KEY = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3r67BtaeWtK8VQm3jYiw98jbgSag
0hAObQPf8F9HlYi79k6gio3f3Uu9X/laQQdLNCGLF2rqdI6ljmI/3qLbnw==
-----END PUBLIC KEY-----`;

const site = withConsole();

/** The same page for all tests: one sign-in is enough. */
let page;
test.beforeAll(async ({ browser }) => {
  page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  await signIn(page, site.gateway);
});
test.afterAll(() => page?.context().close());

async function expectSame(path, name) {
  await page.goto(`${site.gateway.origin()}/qmc/${path}`);
  await expect(page.getByRole("main")).toMatchAriaSnapshot({ name: `${name}.aria.yml` });
}

for (const path of EMPTY) {
  test(`${path} says what it said`, () => expectSame(path, path.replace("/", "-")));
}

test.describe("with a portal", () => {
  let id;
  test.beforeAll(async () => {
    const { gateway } = site;
    const qrs = new Qrs(gateway);
    const [node] = await qrs.expect(200, "GET", "servernodeconfiguration");
    const portal = await qrs.expect(201, "POST", "virtualproxyconfig", {
      description: "Portal",
      prefix: "portal",
      sessionCookieHeaderName: "X-Qlik-Session-portal",
      authenticationMethod: "JWT",
      jwtAttributeUserId: "userId",
      jwtAttributeUserDirectory: "userDirectory",
      jwtPublicKeyCertificate: gateway.pem("server"),
      loadBalancingServerNodes: [{ id: node.id }],
      websocketCrossOriginWhiteList: ["portal.example.com"],
    });
    id = portal.id;
    const [proxy] = await qrs.expect(200, "GET", "proxyservice/full");
    proxy.settings.virtualProxies.push({ id });
    await qrs.expect(200, "PUT", `proxyservice/${proxy.id}`, proxy);
    const claims = { userId: "boz", userDirectory: "EXAMPLE", exp: Math.floor(Date.now() / 1000) + 600 };
    const authorization = `Bearer ${sign(claims, gateway.pem("server_key"))}`;
    await gateway.request("/portal/", { headers: { authorization } });
    // A key that is the same in every run.
    await qrs.change("portal", { jwtPublicKeyCertificate: KEY, jwtAlgorithms: ["ES256"] });
  });

  for (const [name, path] of USED) {
    test(`${name} says what it said`, () => expectSame(path.replace("ID", id), name));
  }
});
