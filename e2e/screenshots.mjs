// Pictures of every page of the console, in both themes and at both widths, of a gateway with a dozen virtual
// proxies, users, requests and refusals: to be looked at. `cargo xtask screenshots` runs it.
//
// It follows the links: a page that is new is in the pictures without another line here.

import { mkdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "@playwright/test";

import { Qrs } from "../clients/lib/qrs.mjs";
import { sign } from "../clients/lib/rsa.mjs";
import { setUp, signIn, startGateway } from "./lib/console.mjs";
import config from "./playwright.config.mjs";

const FOLDER = process.argv[2] ?? fileURLToPath(new URL("../target/screenshots", import.meta.url));
const WIDTHS = [1280, 360];
/** What sticks to an edge of the window would lie over the middle of a long page. */
const STILL = ".top, .save, .toc { position: static !important }";
const THEMES = ["light", "dark"];

/** More than so many parts that open are left closed: they look the same. */
const OPENED = 3;

/** Pages that no link leads to. */
const HIDDEN = [
  ["design", "/qmc/design"],
  ["not-found", "/qmc/nowhere"],
  ["history-compare", "/qmc/history/compare?from=1&to=5"],
  ["history-one-restore", "/qmc/history/3/restore"],
  ["virtual-proxies-none", "/qmc/virtual-proxies?filter=nothing+fits"],
  ["requests-refused", "/qmc/requests?outcome=refused"],
  ["virtual-proxies-columns", `/qmc/virtual-proxies?${["prefix", "timeout", "nodes", "hosts", "id"].map((c) => `column=${c}`).join("&")}`],
];

/** Pages that answer a form: name, address of the form, what is done there. */
const ANSWERED = [
  ["edit-wrong", "/qmc/virtual-proxies/new", async (page) => {
    await page.locator("#f-prefix").fill("Portal!");
    await page.locator("#f-jwtPublicKeyCertificate").fill("-----BEGIN CERTIFICATE-----\nMIIB");
    await page.getByRole("button", { name: "Apply", exact: true }).click();
    await page.getByRole("alert").first().waitFor();
  }],
  ["preview", "/qmc/virtual-proxies?filter=sales", async (page) => {
    await page.locator("td .pick").first().click();
    await page.locator("#f-sessionCookieHeaderName").fill("X-Qlik-Session-other");
    await page.getByRole("button", { name: "Preview" }).click();
    await page.getByRole("heading", { name: "What it would do" }).waitFor();
  }],
  ["tokens-verdict", "/qmc/tokens", async (page, { token }) => {
    await page.getByLabel("Virtual proxy", { exact: true }).selectOption({ label: "Sales portal (/sales)" });
    await page.locator("#f-token").fill(token({ userId: "boz", exp: Math.floor(Date.now() / 1000) - 500 }));
    await page.getByRole("button", { name: "Check the token" }).click();
    await page.locator("#steps").waitFor();
  }],
  ["tokens-sent", "/qmc/tokens", async (page, { token }) => {
    await page.getByLabel("Virtual proxy", { exact: true }).selectOption({ label: "Sales portal (/sales)" });
    await page.locator("#f-token").fill(token({ userId: "boz" }));
    await page.getByRole("button", { name: "Check and send it" }).click();
    await page.locator("#steps").waitFor();
  }],
  ["start-portal", "/qmc/start", async (page) => {
    await page.getByRole("button", { name: "Make a key pair here" }).click();
    await page.locator("#made-key").waitFor();
    await page.getByLabel("Backend address").fill("http://127.0.0.1:9");
    await page.getByRole("button", { name: "Create and link" }).click();
    await page.waitForURL("**/qmc/start/*");
  }],
];

const PORTALS = [
  "Sales portal", "Mashup of the intranet", "Partner extranet", "Finance reports", "Warehouse screens", "Quality dashboard",
  "Customer service desk", "Board pack", "Field engineers", "Procurement", "Test of the new portal", "Archive 2019 (read only)",
];

/** A backend whose answers take their time. Gives its address. */
function startBackend() {
  const server = createServer((request, response) => {
    const pause = request.url.includes("slow") ? 180 : Math.random() * 12;
    setTimeout(() => response.writeHead(request.url.includes("missing") ? 404 : 200).end("<h1>Hello</h1>"), pause);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

/** A virtual proxy for each portal, with nodes, tags, a custom property and users. */
async function configure(gateway, backend) {
  const qrs = new Qrs(gateway);
  const uri = `http://127.0.0.1:${backend.address().port}`;
  const node = (name, uri) => ({ name, hostName: name, engineEnabled: true, proxyEnabled: false, services: [{ path: "/", uri }] });
  const up = await qrs.expect(201, "POST", "servernodeconfiguration", node("engine-1.example.com", uri));
  const down = await qrs.expect(201, "POST", "servernodeconfiguration", node("engine-2.example.com", "http://127.0.0.1:9"));
  const tags = [];
  for (const name of ["production", "external", "on trial"]) tags.push(await qrs.expect(201, "POST", "tag", { name }));
  await qrs.expect(201, "POST", "custompropertydefinition", {
    name: "Owner",
    valueType: "Text",
    choiceValues: ["Sales", "Finance", "IT"],
    objectTypes: ["VirtualProxyConfig", "ServerNodeConfiguration"],
  });
  const links = [];
  for (const [at, description] of PORTALS.entries()) {
    const prefix = description.toLowerCase().split(" ")[0];
    const { id } = await qrs.expect(201, "POST", "virtualproxyconfig", {
      description,
      prefix,
      sessionCookieHeaderName: `X-Qlik-Session-${prefix}`,
      authenticationMethod: "JWT",
      jwtAttributeUserId: "userId",
      jwtAttributeUserDirectory: "userDirectory",
      jwtPublicKeyCertificate: gateway.pem("server"),
      jwtAttributeMap: [{ jwtAttribute: "email", senseAttribute: "email", isMandatory: at % 3 === 0 }],
      loadBalancingServerNodes: [{ id: at === 4 ? down.id : up.id }],
      websocketCrossOriginWhiteList: ["portal.example.com"],
      tags: [{ id: tags[at % 3].id }],
    });
    if (at < 10) links.push(id);
  }
  const [proxy] = await qrs.expect(200, "GET", "proxyservice/full");
  proxy.settings.virtualProxies.push(...links.map((id) => ({ id })));
  await qrs.expect(200, "PUT", `proxyservice/${proxy.id}`, proxy);
}

/** Makes tokens that the portals accept. */
function tokensOf(gateway) {
  const key = gateway.pem("server_key");
  const now = Math.floor(Date.now() / 1000);
  return (claims) => sign({ userDirectory: "EXAMPLE", iat: now, exp: now + 600, email: "a@example.com", ...claims }, key);
}

/** Sign-ins, requests that are served, and some that are not. */
async function use(gateway, token) {
  const now = Math.floor(Date.now() / 1000);
  const agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
  const get = (path, claims, headers = {}) => {
    const authorization = claims ? { authorization: `Bearer ${token(claims)}` } : {};
    return gateway.request(path, { headers: { accept: "application/json", "user-agent": agent, ...authorization, ...headers } });
  };
  const users = ["anna.lindqvist", "boz", "carla", "dimitri", "e.mustermann", "farah", "gwen", "hiroshi"];
  for (let round = 0; round < 6; round += 1) {
    for (const [at, userId] of users.entries()) {
      await get(`/${["sales", "mashup", "partner"][at % 3]}/hub/app/${round}`, { userId });
      if (at === 3) await get("/sales/slow/report.csv", { userId });
      if (at === 5) await get("/mashup/missing/image.png", { userId });
    }
    await get("/sales/hub/", { userId: "late", exp: now - 400 });
    await get("/finance/hub/");
    await get("/partner/hub/");
    await get("/warehouse/hub/", { userId: "boz" });
    if (round % 2) await get("/nowhere%2Fhub/");
    if (round % 3 === 0) await get("/sales/hub/", { userId: "mallory", aud: "somebody else", nbf: now + 4000 });
  }
}

/** One address for each kind of page: ids and numbers in an address do not make another page. */
function kindOf(path) {
  const parts = path.split("/").filter(Boolean).slice(1);
  const isId = (part) => /[0-9A-Z]/.test(part);
  return parts.map((part) => (isId(part) ? "one" : part)).join("-") || "overview";
}

/** Every page, found by its links: kind and address. */
async function findPages(page, gateway) {
  const found = new Map();
  const queue = ["/qmc/"];
  while (queue.length) {
    const address = queue.shift();
    const kind = kindOf(address.split(/[?#]/)[0]);
    if (found.has(kind)) continue;
    const answer = await page.goto(gateway.origin() + address);
    if (!answer.headers()["content-type"]?.startsWith("text/html")) continue;
    found.set(kind, address);
    const links = await page.locator("a[href]:not([download])").evaluateAll((all) => all.map((link) => link.href));
    for (const link of links) {
      const { origin, pathname, search } = new URL(link);
      if (origin === gateway.origin() && pathname.startsWith("/qmc/")) queue.push(pathname + search);
    }
  }
  for (const [kind, address] of HIDDEN) found.set(kind, address);
  return found;
}

async function main() {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const backend = await startBackend();
  const { gateway, link } = await startGateway();
  const browser = await chromium.launch(config.use.launchOptions);
  try {
    // The pages' policy would keep STILL out of them.
    const context = await browser.newContext({ ignoreHTTPSErrors: true, bypassCSP: true });
    const page = await context.newPage();
    let count = 0;
    const shoot = async (kind) => {
      count += 1;
      await page.mouse.move(0, 0);
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 });
        for (const colorScheme of THEMES) {
          await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
          await page.evaluate(() => scrollTo(0, 0));
          await page.screenshot({ path: join(FOLDER, `${kind}-${width}-${colorScheme}.png`), fullPage: true, style: STILL });
        }
      }
    };
    await page.goto(gateway.origin() + link);
    await shoot("set-up");
    await setUp(page, gateway, link);
    await page.goto(`${gateway.origin()}/qmc/virtual-proxies`);
    await shoot("virtual-proxies-first");
    await context.clearCookies();
    await configure(gateway, backend);
    const token = tokensOf(gateway);
    await use(gateway, token);
    await page.goto(`${gateway.origin()}/qmc/`);
    await shoot("sign-in");
    await signIn(page, gateway);
    const pages = await findPages(page, gateway);
    for (const [kind, address] of pages) {
      await page.goto(gateway.origin() + address);
      const parts = await page.locator("main details.more > summary").all();
      for (const summary of parts.slice(0, OPENED)) await summary.click();
      await shoot(kind);
    }
    for (const [kind, address, act] of ANSWERED) {
      await page.setViewportSize({ width: WIDTHS[0], height: 800 });
      await page.goto(gateway.origin() + address);
      await act(page, { token });
      await shoot(kind);
    }
    console.log(`${count} pages, each in ${WIDTHS.length * THEMES.length} pictures, are in ${FOLDER}`);
  } finally {
    await browser.close();
    await gateway.stop();
    backend.close();
  }
}

await main();
