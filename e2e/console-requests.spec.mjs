// Live requests in the console: from the reference on an error page to its cause, without a script.

import { expect, test } from "@playwright/test";

import { Qrs } from "../clients/lib/qrs.mjs";
import { expectFits, setUp, signIn, startGateway } from "./lib/console.mjs";
import { expectAccessible } from "./lib/hub.mjs";

let gateway;

test.beforeAll(async ({ browser }) => {
  const started = await startGateway();
  gateway = started.gateway;
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  await setUp(await context.newPage(), gateway, started.link);
  await context.close();
});
test.afterAll(() => gateway?.stop());

/** What somebody sees who has no session: an error page. Gives its reference. */
async function refused(userAgent = "A lost browser") {
  const headers = { accept: "application/json", "user-agent": userAgent };
  const { status, text } = await gateway.request("/portal%2Freport/", { headers });
  expect(status).toBe(400);
  return JSON.parse(text).reference;
}

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 360]) {
    test(`axe finds nothing (${colorScheme}, ${width} pixels)`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      await signIn(page, gateway);
      const reference = await refused();
      for (const path of ["/requests", "/requests?user=nobody", `/requests/${reference}`, "/requests/unknown"]) {
        await page.goto(`${gateway.origin()}/qmc${path}`);
        await expectAccessible(page);
        await expectFits(page);
      }
      await page.goto(`${gateway.origin()}/qmc/requests?outcome=served`);
      await page.locator("a.pick").first().click();
      await expectAccessible(page);
      await expectFits(page);
    });
  }
}

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("the reference of an error page leads to the cause and to what helps", async ({ page }) => {
    const reference = await refused();
    await signIn(page, gateway);
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
    const qrs = new Qrs(gateway);
    const { id } = await qrs.expect(201, "POST", "virtualproxyconfig", draft);
    await signIn(page, gateway);
    await page.goto(`${gateway.origin()}/qmc/virtual-proxies/${id}/proxies`);
    await page.getByRole("button", { name: "Link" }).click();
    const { status } = await gateway.request("/jwt/hub/");
    expect(status).toBe(401);
    await page.getByRole("link", { name: "Live requests" }).click();
    await page.getByLabel("Reason").selectOption("credentials_missing");
    await page.getByLabel("Outcome").selectOption("Refused");
    await page.getByLabel("Virtual proxy").selectOption({ label: "Portal (/jwt)" });
    await page.getByRole("button", { name: "Filter" }).click();
    await page.getByRole("link", { name: "GET /jwt/hub/" }).click();
    await page.getByRole("link", { name: "To the virtual proxy" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Portal");
  });

  test("what a client calls itself stays text", async ({ page }) => {
    const evil = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;
    const reference = await refused(evil);
    await signIn(page, gateway);
    await page.goto(`${gateway.origin()}/qmc/requests/${reference}`);
    await expect(page.getByText(evil)).toBeVisible();
    expect(await page.locator("main img, main script").count()).toBe(0);
  });
});
