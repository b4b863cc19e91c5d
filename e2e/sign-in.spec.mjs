// A page of the portal signs its user in by `fetch` with a token; the browser then shows the hub.
// Portal and gateway are different origins of the same site, as they are in most installations.

import { expect, test } from "@playwright/test";

import { Gateway } from "../clients/lib/gateway.mjs";
import { Qrs } from "../clients/lib/qrs.mjs";
import { expectAccessible, expectHub } from "./lib/hub.mjs";
import { Portal } from "./lib/portal.mjs";

let gateway, portal;

test.beforeAll(async () => {
  gateway = await Gateway.start();
  portal = await Portal.start(gateway);
  await new Qrs(gateway).change("jwt", { corsAllowedOrigins: [portal.origin] });
});
test.afterAll(async () => {
  await portal?.stop();
  await gateway?.stop();
});

async function signIn(page) {
  await page.goto(portal.origin);
  await page.getByRole("button", { name: "Open analytics" }).click();
  await page.waitForURL(`${gateway.origin()}/jwt/hub/`);
}

test("the hub greets the portal's user and reads the apps over its socket", async ({ page }) => {
  await signIn(page);
  await expectHub(page, "boz");
  await expect(page.getByText("boz@example.com").first()).toBeVisible();
  await expect(page.locator("#remaining")).toHaveText(/^(29:|30:)\d\d$/);
});

test("the session is a cookie that no script reads", async ({ page, context }) => {
  await signIn(page);
  const session = (await context.cookies()).find(({ name }) => name.startsWith("X-Qlik-Session"));
  expect(session).toMatchObject({ httpOnly: true, secure: true, sameSite: "Lax", path: "/", expires: -1 });
  expect(await page.evaluate(() => document.cookie)).toBe("");
});

test("logging out ends it, in every tab", async ({ page, context }) => {
  await signIn(page);
  await expectHub(page, "boz");
  const other = await context.newPage();
  await other.goto(`${gateway.origin()}/jwt/hub/`);
  await expectHub(other, "boz");

  await page.getByRole("button", { name: "Log out" }).click();
  await expect(page.getByRole("alert")).toContainText("You have been logged out.");
  await expect(page.locator("#engine-state")).toHaveText(/^Closed/);
  // The other tab's socket is told.
  await expect(other.getByRole("alert")).toContainText("You have been logged out.");

  const answer = await page.goto(`${gateway.origin()}/jwt/hub/`);
  expect(answer.status()).toBe(401);
  await expect(page.locator("body")).toContainText(
    "Could not authenticate the request: Expected an authentication header.",
  );
});

test("a page of another origin cannot do the same", async ({ page }) => {
  const stranger = await Portal.start(gateway, { host: "stranger.localtest" });
  try {
    await page.goto(stranger.origin);
    await page.getByRole("button", { name: "Open analytics" }).click();
    await expect(page.locator("#status")).toHaveText(/^blocked/);
  } finally {
    await stranger.stop();
  }
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing on the hub page (${colorScheme})`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await signIn(page);
    await expectHub(page, "boz");
    await page.getByText("Messages").click();
    await expectAccessible(page);
  });

  test(`axe finds nothing on the 401 page (${colorScheme})`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    expect((await page.goto(`${gateway.origin()}/jwt/hub/`)).status()).toBe(401);
    await expectAccessible(page);
  });
}
