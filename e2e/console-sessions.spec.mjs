// The sessions in the console: seen, filtered and ended, without a script, with a hostile user agent.

import { expect, test } from "@playwright/test";

import { request } from "../clients/lib/http.mjs";
import { signIn, testAccessible, withConsole } from "./lib/console.mjs";

const EVIL = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;

const site = withConsole();

/** Signs in once more, as a browser that calls itself something. */
async function another(browser, userAgent) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, userAgent });
  const page = await context.newPage();
  await signIn(page, site.gateway);
  return { context, page };
}

testAccessible(site, async (page, look, visit) => {
  await visit("/qmc/sessions");
  const one = await page.getByRole("link", { name: "INTERNAL\\anna" }).first().getAttribute("href");
  const paths = ["/qmc/sessions?user=nobody", one, "/qmc/sessions/end?directory=INTERNAL&id=anna"];
  for (const path of paths) await visit(path);
});

test("who comes and goes is seen at once", async ({ page, browser }) => {
  await signIn(page, site.gateway);
  await page.goto(`${site.gateway.origin()}/qmc/sessions`);
  await expect(page.locator("#live-state")).toHaveText("Live");
  const other = await another(browser, "A passing browser");
  const row = page.getByRole("row", { name: "A passing browser" });
  await expect(row).toBeVisible();
  await other.page.getByText("INTERNAL\\anna").first().click();
  await other.page.getByRole("button", { name: "Sign out" }).click();
  await expect(row).toHaveCount(0);
  await other.context.close();
});

test("looking at what changes does not make a session last longer", async ({ browser }) => {
  const { gateway } = site;
  const { context, page } = await another(browser, "A watching browser");
  // Read with a certificate, so that the session is not used by that.
  const lastUse = async () => {
    const { text } = await request(`https://localhost:${gateway.qrsPort}/jotgate/v1/sessions`, {
      ca: gateway.pem("root"), cert: gateway.pem("client"), key: gateway.pem("client_key"),
      headers: { "X-Qlik-User": "UserDirectory=INTERNAL; UserId=sa_repository" },
    });
    return JSON.parse(text).sessions.find(({ userAgent }) => userAgent === "A watching browser").lastActivity;
  };
  const before = await lastUse();
  await page.waitForTimeout(1500);
  for (const list of ["requests", "sessions"]) {
    const answer = await page.request.get(`${gateway.origin()}/qmc/live/${list}`);
    expect(answer.status()).toBe(200);
  }
  expect(await lastUse()).toBe(before);
  await page.request.get(`${gateway.origin()}/qmc/sessions`);
  expect(await lastUse()).not.toBe(before);
  await context.close();
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("one session is found by its virtual proxy and user, and ended", async ({ page, browser }) => {
    const other = await another(browser, "Another browser");
    await signIn(page, site.gateway);
    await page.getByRole("link", { name: "Sessions" }).click();
    await page.getByRole("searchbox", { name: "User" }).fill("nobody");
    await page.getByRole("button", { name: "Filter" }).click();
    await expect(page.getByText("No session fits")).toBeVisible();
    await page.getByRole("searchbox", { name: "User" }).fill("internal\\ANNA");
    await page.getByLabel("Virtual proxy").selectOption({ index: 1 });
    await page.getByRole("button", { name: "Filter" }).click();
    await expect(page.getByRole("row").filter({ hasText: "you" })).toHaveCount(1);
    const row = page.getByRole("row", { name: "Another browser" });
    await row.getByRole("link").click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Session of INTERNAL\\anna");
    await page.getByRole("button", { name: "End this session" }).click();
    await expect(page.getByRole("status")).toContainText("Ended");
    await expect(page.getByText("Another browser")).toHaveCount(0);
    await other.page.reload();
    await expect(other.page.getByLabel("Password")).toBeVisible();
    await other.context.close();
  });

  test("all sessions of a user end after it was said how many, also one's own", async ({ page, browser }) => {
    const other = await another(browser, "Another browser");
    await signIn(page, site.gateway);
    await page.goto(`${site.gateway.origin()}/qmc/sessions`);
    await page.getByRole("row", { name: "Another browser" }).getByRole("link").click();
    await page.getByRole("link", { name: "of this user" }).click();
    await expect(page.getByText("Your own session is among them.")).toBeVisible();
    await page.getByRole("button", { name: /^End \d+ sessions$/ }).click();
    await expect(page.getByLabel("Password")).toBeVisible();
    await other.page.reload();
    await expect(other.page.getByLabel("Password")).toBeVisible();
    await other.context.close();
  });
});

test("what a browser calls itself stays text", async ({ browser }) => {
  const { context, page } = await another(browser, EVIL);
  page.on("dialog", (dialog) => expect(dialog.message()).toBe("no dialog at all"));
  await page.goto(`${site.gateway.origin()}/qmc/sessions`);
  const cut = page.getByTitle(EVIL).first();
  await expect(cut).toContainText(EVIL.slice(0, 40));
  await page.getByRole("row").filter({ has: cut }).getByRole("link").click();
  await expect(page.getByText(EVIL)).toBeVisible();
  expect(await page.locator("main img, main script").count()).toBe(0);
  await context.close();
});
