// The hub in a frame of a portal on another site. A sign-in page cannot be shown there: the 401 page
// tells the embedding page, which gets a new token and loads the frame again.

import { chromium, expect, test } from "@playwright/test";

import { Gateway } from "../clients/lib/gateway.mjs";
import { Qrs } from "../clients/lib/qrs.mjs";
import { expectHub } from "./lib/hub.mjs";
import { Portal } from "./lib/portal.mjs";

const SITES = { host: "portal.localtest", gatewayHost: "gateway.localtest" };

let gateway, portal, qrs;

test.beforeAll(async () => {
  gateway = await Gateway.start({ flags: ["--public-host", "gateway.localtest"] });
  portal = await Portal.start(gateway, SITES);
  qrs = new Qrs(gateway);
  await qrs.change("jwt", {
    sameSiteAttributeHttps: 1,
    hasSecureAttributeHttps: true,
    cookiePartitioned: true,
    corsAllowedOrigins: [portal.origin],
    websocketCrossOriginWhiteList: ["portal.localtest"],
    // A frame is not sent there.
    authenticationModuleRedirectUri: `${portal.origin}/sign-in`,
  });
});
test.afterAll(async () => {
  await portal?.stop();
  await gateway?.stop();
});

const frame = (page) => page.frameLocator("#hub");
const heard = (page) => page.evaluate(() => window.heard);

const message = (reason) => ({
  origin: portal.gatewayOrigin,
  data: { type: "jotgate:sign-in-required", reason, virtualProxy: "jwt" },
});

test("the embedding page is told that a sign-in is required", async ({ page }) => {
  await page.goto(`${portal.origin}/embedded?deaf`);
  await expect.poll(() => heard(page)).toEqual([message("credentials_missing")]);
  await expect(frame(page).locator("body")).toContainText(
    "Could not authenticate the request: Expected an authentication header.",
  );
  expect(portal.signIns).toEqual([]);
});

test("the portal signs in and the frame shows the hub", async ({ page, context }) => {
  await page.goto(`${portal.origin}/embedded`);
  await expectHub(frame(page), "boz");
  const session = (await context.cookies()).find(({ name }) => name === "X-Qlik-Session-jwt");
  expect(session).toMatchObject({ httpOnly: true, secure: true, sameSite: "None" });
  expect(session.partitionKey, "the cookie is partitioned").toContain("portal.localtest");
});

test("a session that ended is replaced without anybody noticing", async ({ page }) => {
  await page.goto(`${portal.origin}/embedded`);
  await expectHub(frame(page), "boz");
  await frame(page).getByRole("button", { name: "Log out" }).click();
  await expect(frame(page).getByRole("alert")).toContainText("You have been logged out.");
  await page.evaluate(() => window.load());
  await expectHub(frame(page), "boz");
  expect(await heard(page)).toHaveLength(2);
});

test("the host allow list alone is enough to be told", async ({ page }) => {
  await qrs.change("jwt", { corsAllowedOrigins: [] });
  try {
    await page.goto(`${portal.origin}/embedded?deaf`);
    await expect.poll(() => heard(page)).toEqual([message("credentials_missing")]);
  } finally {
    await qrs.change("jwt", { corsAllowedOrigins: [portal.origin] });
  }
});

test("a page that is not on the allow list hears nothing", async ({ page }) => {
  const stranger = await Portal.start(gateway, { ...SITES, host: "stranger.localtest" });
  try {
    const refused = page.waitForResponse((response) => response.url().includes("/jwt/hub/"));
    await page.goto(`${stranger.origin}/embedded`);
    expect((await refused).status()).toBe(401);
    await page.waitForTimeout(1000);
    expect(await heard(page)).toEqual([]);
  } finally {
    await stranger.stop();
  }
});

test("the partitioned cookie survives where third-party cookies are blocked", async ({ launchOptions }) => {
  const args = [...launchOptions.args, "--test-third-party-cookie-phaseout"];
  const browser = await chromium.launch({ ...launchOptions, args });
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  try {
    const page = await context.newPage();
    await page.goto(`${portal.origin}/embedded`);
    await expectHub(frame(page), "boz");

    // The same without the attribute has to fail, or the browser blocks nothing here.
    await qrs.change("jwt", { cookiePartitioned: false });
    await context.clearCookies();
    await page.goto(`${portal.origin}/embedded?deaf`);
    await expect.poll(() => heard(page)).toEqual([message("credentials_missing")]);
    await page.evaluate(async () => {
      window.signedIn = await window.signIn();
      window.load();
    });
    await expect.poll(() => heard(page)).toHaveLength(2);
    expect(await page.evaluate(() => window.signedIn)).toBe("signed in");
  } finally {
    await qrs.change("jwt", { cookiePartitioned: true });
    await browser.close();
  }
});
