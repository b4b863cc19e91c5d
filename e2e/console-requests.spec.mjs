// Live requests in the console: from the reference on an error page to its cause, without a script.

import { expect, test } from "@playwright/test";

import { Qrs } from "../clients/lib/qrs.mjs";
import { signIn, testAccessible, withConsole } from "./lib/console.mjs";

const site = withConsole();

/** What somebody sees who has no session: an error page. Gives its reference. */
async function refused(userAgent = "A lost browser") {
  const headers = { accept: "application/json", "user-agent": userAgent };
  const { status, text } = await site.gateway.request("/portal%2Freport/", { headers });
  expect(status).toBe(400);
  return JSON.parse(text).reference;
}

testAccessible(site, async (page, look, visit) => {
  const reference = await refused();
  for (const path of ["", "?user=nobody", `/${reference}`, "/unknown"]) await visit(`/qmc/requests${path}`);
  await visit("/qmc/requests?outcome=served&console=shown");
  await page.locator("a.pick").first().click();
  await look();
});

test("requests are seen as they come, until somebody pauses or the session ends", async ({ page, context }) => {
  await signIn(page, site.gateway);
  await page.goto(`${site.gateway.origin()}/qmc/requests?outcome=refused&user=`);
  await expect(page.locator("#live-state")).toHaveText("Live");
  const first = await refused();
  await expect(page.locator(`a[href$="/requests/${first}"]`)).toBeVisible();
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.locator("#live-state")).toHaveText("Paused");
  const second = await refused();
  await page.waitForTimeout(2500);
  await expect(page.locator(`a[href$="/requests/${second}"]`)).toHaveCount(0);
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.locator(`a[href$="/requests/${second}"]`)).toBeVisible();
  // Nothing moves while somebody types.
  await page.getByLabel("User", { exact: true }).focus();
  const third = await refused();
  await page.waitForTimeout(2500);
  await expect(page.locator(`a[href$="/requests/${third}"]`)).toHaveCount(0);
  await page.getByLabel("User", { exact: true }).blur();
  await expect(page.locator(`a[href$="/requests/${third}"]`)).toBeVisible();
  // What the page asks by itself is not among the requests.
  await page.goto(`${site.gateway.origin()}/qmc/requests?console=shown`);
  await expect(page.getByRole("link", { name: "GET /qmc/requests" }).first()).toBeVisible();
  await expect(page.getByRole("link", { name: "GET /qmc/live/" })).toHaveCount(0);
  await context.clearCookies();
  await expect(page.locator("#live-state")).toContainText("Stopped");
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("the reference of an error page leads to the cause and to what helps", async ({ page }) => {
    const reference = await refused();
    await signIn(page, site.gateway);
    await page.getByRole("link", { name: "Live requests" }).click();
    await page.getByLabel("Reference of an error page").fill(reference);
    await page.getByRole("button", { name: "Find" }).click();
    await expect(page.getByText("path_ambiguous")).toBeVisible();
    await expect(page.getByText("Let the client send the path without encoded slashes")).toBeVisible();
    await expect(page.getByText("refused here")).toBeVisible();
    await expect(page.getByText("A lost browser")).toBeVisible();
  });

  test("a refused sign-in is found by its reason and leads to the virtual proxy", async ({ page }) => {
    const draft = { description: "Portal", prefix: "jwt", sessionCookieHeaderName: "X-Qlik-Session-jwt" };
    const qrs = new Qrs(site.gateway);
    const { id } = await qrs.expect(201, "POST", "virtualproxyconfig", draft);
    await signIn(page, site.gateway);
    await page.goto(`${site.gateway.origin()}/qmc/virtual-proxies/${id}/proxies`);
    await page.getByRole("button", { name: "Link Central", exact: true }).click();
    const { status } = await site.gateway.request("/jwt/hub/");
    expect(status).toBe(401);
    await page.getByRole("link", { name: "Live requests" }).click();
    await page.getByLabel("Reason").selectOption("credentials_missing");
    await page.getByLabel("Outcome").selectOption("Refused");
    await page.getByLabel("Virtual proxy").selectOption({ label: "Portal (/jwt)" });
    await page.getByRole("button", { name: "Filter" }).click();
    await page.getByRole("link", { name: "GET /jwt/hub/" }).click();
    await page.getByRole("link", { name: "Change \u201cAuthentication module redirect URI\u201d" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Portal");
    await expect(page.locator(":target")).toHaveAccessibleName("Authentication module redirect URI");
  });

  test("what a client calls itself stays text", async ({ page }) => {
    const evil = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;
    const reference = await refused(evil);
    await signIn(page, site.gateway);
    await page.goto(`${site.gateway.origin()}/qmc/requests/${reference}`);
    await expect(page.getByText(evil)).toBeVisible();
    expect(await page.locator("main img, main script").count()).toBe(0);
  });
});
