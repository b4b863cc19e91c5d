// One hostile text in everything that can hold a text, and then every page of the console: no script runs,
// nothing breaks the policy, and no form does anything without the token of its session. Pages are found by
// following the links, so a new one is looked at by itself.

import { expect, test } from "@playwright/test";

import { bearer } from "../clients/lib/http.mjs";
import { Qrs } from "../clients/lib/qrs.mjs";
import { rsaKey, sign } from "../clients/lib/rsa.mjs";
import { PASSWORD, signIn, withConsole } from "./lib/console.mjs";

const EVIL = `'"></title></textarea></select><script>pwned=1</script><img src=x onerror=pwned=1><a href="javascript:pwned=1">x</a>{{7*7}}`;
/** Pages of one form that are looked at: each list has many rows. */
const OF_ONE_FORM = 3;

const site = withConsole(async ({ gateway }) => {
  const qrs = new Qrs(gateway);
  const key = rsaKey();
  const tag = await qrs.expect(201, "POST", "tag", { name: EVIL });
  // What has to be a name of a certain form is refused; what is not refused is shown.
  await qrs.send("POST", "custompropertydefinition", { name: "Evil", objectTypes: ["VirtualProxyConfig"], choiceValues: [EVIL] });
  await qrs.send("POST", "servernodeconfiguration", { name: EVIL, hostName: "127.0.0.1", nodeType: 4, proxyEnabled: false });
  await qrs.expect(201, "POST", "user", { userDirectory: EVIL, userId: EVIL, name: EVIL });
  const { id } = await qrs.expect(201, "POST", "virtualproxyconfig", {
    description: EVIL,
    prefix: "evil",
    sessionCookieHeaderName: "X-Qlik-Session-evil",
    authenticationMethod: 4,
    jwtPublicKeyCertificate: key.publicKey,
    jwtAttributeUserId: "user",
    jwtAttributeUserDirectory: "directory",
    jwtAttributeMap: [{ jwtAttribute: EVIL, senseAttribute: "Group", isMandatory: false }],
    jwtAudience: EVIL,
    magicLinkFriendlyName: EVIL,
    privateClaims: [EVIL],
    backendHeaders: [{ name: "X-Evil", value: EVIL.replaceAll(/[{}]/g, "") }],
    tags: [tag],
  });
  const proxy = (await qrs.expect(200, "GET", "proxyservice/full"))[0];
  proxy.settings.virtualProxies.push({ id });
  await qrs.expect(200, "PUT", `proxyservice/${proxy.id}`, proxy);
  const now = Math.floor(Date.now() / 1000);
  const claims = { user: EVIL, directory: EVIL, [EVIL]: EVIL, aud: EVIL, exp: now + 300 };
  const token = sign(claims, key.privateKey);
  const headers = { "user-agent": EVIL, referer: EVIL, accept: EVIL };
  const path = `/evil/${encodeURIComponent(EVIL).replaceAll("%2F", "")}`;
  for (const authorization of [bearer(token), bearer(sign({ ...claims, aud: "other" }, key.privateKey)), bearer(EVIL), {}]) {
    await gateway.request(path, { headers: { ...headers, ...authorization } });
  }
  await gateway.request(`/${encodeURIComponent(EVIL).replaceAll("%2F", "")}`, { headers });
});

/** An address without what makes it one of many: ids, numbers and filters. */
const formOf = (address) =>
  new URL(address).pathname.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|[0-9A-Z]{12}|\/\d+/g, "*") +
  [...new URL(address).searchParams.keys()].sort().join();

test("a hostile text runs on no page, and no form is taken without its token", async ({ page, browser }) => {
  test.setTimeout(180_000);
  const actions = new Map();
  const trouble = [];
  page.on("dialog", (dialog) => dialog.dismiss());
  page.on("console", (message) => /content security policy/i.test(message.text()) && trouble.push(message.text()));
  page.on("pageerror", (error) => trouble.push(String(error)));
  await signIn(page, site.gateway);
  await page.goto(`${site.gateway.origin()}/qmc/api-keys/new`);
  await page.getByLabel("Name").fill(EVIL);
  await page.getByRole("checkbox", { name: "sessions.read" }).check();
  await page.locator("input[name=virtualProxies]").first().check();
  await page.getByRole("button", { name: "Create" }).click();
  await page.goto(`${site.gateway.origin()}/qmc/history/2/restore`);
  await page.getByLabel("Note").fill(EVIL);
  await page.getByRole("button", { name: "Restore revision 2" }).click();

  const base = `${site.gateway.origin()}/qmc/`;
  const evil = encodeURIComponent(EVIL);
  const waiting = [base, ...["search?q", "requests?user", "requests?reason", "sessions?user", "users?filter", "audit?actor",
    "virtual-proxies?filter"].map((parameter) => `${base}${parameter}=${evil}`), base + evil];
  const seen = new Set(), forms = new Map();
  let shown = 0;
  while (waiting.length > 0) {
    const address = waiting.shift().split("#")[0];
    const number = (forms.get(formOf(address)) ?? 0) + 1;
    if (seen.has(address) || number > OF_ONE_FORM) continue;
    seen.add(address);
    forms.set(formOf(address), number);
    const answer = await page.goto(address).catch((error) => {
      if (!/download is starting/i.test(error)) throw error;
    });
    if (!answer) continue; // A file is no page.
    expect(answer.status(), address).toBeLessThan(500);
    const found = await page.evaluate(() => ({
      pwned: "pwned" in window,
      foreign: document.querySelectorAll("body script, img, [onerror], a[href^='javascript:' i]").length,
      actions: [...document.querySelectorAll("form[method=post]")].map((form) => form.action),
      links: [...document.querySelectorAll("a[href]")].map((link) => link.href),
      text: document.body.innerText,
    }));
    expect({ pwned: found.pwned, foreign: found.foreign, trouble }, address).toEqual({ pwned: false, foreign: 0, trouble: [] });
    if (found.text.includes("<script>pwned=1</script>")) shown += 1;
    for (const action of found.actions) actions.set(formOf(action), action);
    waiting.push(...found.links.filter((link) => link.startsWith(base) && !link.includes("/assets/")));
  }
  expect(seen.size, "pages that were looked at").toBeGreaterThan(30);
  expect(shown, "pages that show the text").toBeGreaterThan(10);
  const navigation = await page.goto(base).then(() => page.locator("nav.side a").evaluateAll((all) => all.map((one) => one.href)));
  expect(navigation.filter((link) => !seen.has(link))).toEqual([]);

  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const other = await context.newPage();
  await signIn(other, site.gateway);
  const foreign = await other.locator("input[name=csrf]").first().inputValue();
  await context.close();
  expect(actions.size, "forms").toBeGreaterThan(10);
  for (const action of actions.values()) {
    for (const csrf of ["", "nonsense", foreign]) {
      const answer = await page.request.post(action, { form: { csrf }, maxRedirects: 0 });
      expect(answer.status(), `${action} with ${csrf}`).toBe(403);
    }
  }
  const own = await page.locator("input[name=csrf]").first().inputValue();
  for (const site of ["cross-site", "same-site"]) {
    const headers = { "sec-fetch-site": site, "sec-fetch-mode": "navigate" };
    for (const action of actions.values()) {
      const answer = await page.request.post(action, { form: { csrf: own }, headers, maxRedirects: 0 });
      expect(answer.status(), `${action} from ${site}`).toBe(403);
    }
  }
});

test("signing in gives a cookie that nobody knew before, and signing out makes the old one worthless", async ({ page, context }) => {
  const { origin } = new URL(site.gateway.origin());
  const planted = "a-planted-session-id-of-an-attacker-000000";
  await context.addCookies([{ name: "X-Qlik-Session", value: planted, url: origin, secure: true, httpOnly: true }]);
  await signIn(page, site.gateway);
  const cookieOf = async () => (await context.cookies()).find(({ name }) => name === "X-Qlik-Session").value;
  const own = await cookieOf();
  expect(own).not.toBe(planted);
  // Whoever signs in again gets another one; the first goes on until its end.
  await page.goto(`${origin}/internal_forms_authentication/`);
  if (await page.getByLabel("Password").isVisible()) {
    await page.getByLabel("Name").fill("anna");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button").click();
    await page.waitForURL("**/qmc/**");
    expect(await cookieOf()).not.toBe(own);
  }
  const last = await cookieOf();
  await page.getByText("INTERNAL\\anna").first().click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByLabel("Password")).toBeVisible();
  const { status } = await site.gateway.request("/qmc/sessions", { headers: { cookie: `X-Qlik-Session=${last}` } });
  expect(status).toBe(401);
});

test("no page can be framed, not by one of the same host either", async ({ page }) => {
  await signIn(page, site.gateway);
  const origin = "https://localhost:1";
  const body = `<iframe src="${site.gateway.origin()}/qmc/sessions"></iframe>`;
  await page.route(`${origin}/**`, (route) => route.fulfill({ contentType: "text/html", body }));
  await page.goto(`${origin}/`);
  const frame = page.frames().find((one) => one !== page.mainFrame());
  await expect.poll(() => frame.url()).toContain("chrome-error");
});
