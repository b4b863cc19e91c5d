// A browser without a session is sent to the portal's sign-in page and comes back to where it was.
// Once with portal and gateway on one site, once on different ones: then the form is posted across
// sites, and only cookies that say so travel with it.

import { expect, test } from "@playwright/test";

import { Gateway } from "../clients/lib/gateway.mjs";
import { Qrs } from "../clients/lib/qrs.mjs";
import { expectHub } from "./lib/hub.mjs";
import { Portal } from "./lib/portal.mjs";

const DEEP_LINK = "/jwt/hub/my/work?sheet=a%20b&n=1";

for (const [where, hosts] of [
  ["same site", { host: "localhost", gatewayHost: "localhost" }],
  ["cross-site", { host: "portal.localtest", gatewayHost: "gateway.localtest" }],
]) {
  test.describe(`signing in again, ${where}`, () => {
    let gateway, portal, origin;

    test.beforeAll(async () => {
      gateway = await Gateway.start({ flags: ["--public-host", "gateway.localtest"] });
      portal = await Portal.start(gateway, hosts);
      origin = portal.gatewayOrigin;
      const redirect = { authenticationModuleRedirectUri: `${portal.origin}/sign-in` };
      await new Qrs(gateway).change("jwt", redirect);
    });
    test.afterAll(async () => {
      await portal?.stop();
      await gateway?.stop();
    });
    test.beforeEach(() => {
      portal.signIns.length = 0;
    });

    /** Visits the gateway while the portal does not finish; gives what the portal was asked. */
    async function askedOf(page) {
      portal.submits = false;
      await page.goto(origin + DEEP_LINK);
      portal.submits = true;
      expect(page.url()).toContain(`${portal.origin}/sign-in?`);
      return portal.signIns.at(-1);
    }

    /** Posts the sign-in form from a page of the portal, as a browser does; gives the answer. */
    async function post(page, fields) {
      await page.goto(`${portal.origin}/`);
      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.url().endsWith("/jotgate/sign-in")),
        page.waitForEvent("load"), // Of the page that the answer leads to.
        page.evaluate(
          ([action, values]) => {
            const form = document.createElement("form");
            Object.assign(form, { method: "post", action });
            for (const [name, value] of Object.entries(values)) {
              form.append(Object.assign(document.createElement("input"), { name, value }));
            }
            document.body.append(form);
            form.submit();
          },
          [`${origin}/jwt/jotgate/sign-in`, fields],
        ),
      ]);
      return answer;
    }

    async function expectRefused(page, answer) {
      expect(answer.status()).toBeGreaterThanOrEqual(400);
      expect(answer.status()).toBeLessThan(500);
      expect(await sessions(page), "no session cookie").toEqual([]);
    }

    async function sessions(page) {
      const all = await page.context().cookies(origin);
      return all.map(({ name }) => name).filter((name) => name === "X-Qlik-Session-jwt");
    }

    test("ends at the deep link it came from", async ({ page }) => {
      await page.goto(origin + DEEP_LINK);
      await page.waitForURL(origin + DEEP_LINK);
      await expectHub(page, "boz");
      expect(portal.signIns).toHaveLength(1);
    });

    test("answers a script with 401, not with a page", async ({ page }) => {
      await page.goto(origin + DEEP_LINK);
      await expectHub(page, "boz");
      await page.context().clearCookies();
      portal.signIns.length = 0;
      const status = await page.evaluate(async () => (await fetch("/jwt/api/hub/about")).status);
      expect(status).toBe(401);
      expect(portal.signIns).toEqual([]);
    });

    test("takes a state once", async ({ page }) => {
      const asked = await askedOf(page);
      const cookies = await page.context().cookies();
      const first = await post(page, { token: portal.token(), ...asked });
      expect(first.status()).toBe(303);
      await page.waitForURL(origin + DEEP_LINK);
      // As if nothing had happened in this browser: all that is left to refuse it is that it came before.
      await page.context().clearCookies();
      await page.context().addCookies(cookies);
      await expectRefused(page, await post(page, { token: portal.token(), ...asked }));
    });

    test("refuses another browser's state", async ({ page, browser }) => {
      const attacker = await browser.newContext();
      const stolen = await askedOf(await attacker.newPage());
      await attacker.close();
      await askedOf(page); // The victim has a pre-session cookie of its own.
      await expectRefused(page, await post(page, { token: portal.token(), ...stolen }));
    });

    test("refuses a missing, an empty and an invented state", async ({ page }) => {
      const { returnTo } = await askedOf(page);
      for (const state of [{}, { state: "" }, { state: "A".repeat(75) }]) {
        const fields = { token: portal.token(), returnTo, ...state };
        await expectRefused(page, await post(page, fields));
      }
    });

    test("refuses a bad token although the state is good", async ({ page }) => {
      const asked = await askedOf(page);
      const expired = portal.token({ exp: 1_000_000_000 });
      await expectRefused(page, await post(page, { token: expired, ...asked }));
    });

    test("sends nobody outside the virtual proxy", async ({ page }) => {
      for (const returnTo of [
        "https://evil.localtest/jwt/hub/",
        "//evil.localtest/jwt/hub/",
        "/\\evil.localtest/jwt/hub/",
        "/other/hub/",
        "javascript:alert(1)",
      ]) {
        const { state } = await askedOf(page);
        const answer = await post(page, { token: portal.token(), state, returnTo });
        await expectRefused(page, answer);
        expect(answer.headers().location, returnTo).toBeUndefined();
      }
    });
  });
}
