// The sessions in the console: seen, filtered and ended, without a script, with a hostile user agent.

import { expect, test } from "@playwright/test";

import { expectFits, setUp, signIn, startGateway } from "./lib/console.mjs";
import { expectAccessible } from "./lib/hub.mjs";

const EVIL = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;

let gateway;

test.beforeAll(async ({ browser }) => {
  const started = await startGateway();
  gateway = started.gateway;
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  await setUp(await context.newPage(), gateway, started.link);
  await context.close();
});
test.afterAll(() => gateway?.stop());

/** Signs in once more, as a browser that calls itself something. */
async function another(browser, userAgent) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, userAgent });
  const page = await context.newPage();
  await signIn(page, gateway);
  return { context, page };
}

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 360]) {
    test(`axe finds nothing (${colorScheme}, ${width} pixels)`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      await signIn(page, gateway);
      await page.goto(`${gateway.origin()}/qmc/sessions`);
      const one = await page.getByRole("link", { name: "INTERNAL\\anna" }).first().getAttribute("href");
      const paths = ["/qmc/sessions", "/qmc/sessions?user=nobody", one, "/qmc/sessions/end?directory=INTERNAL&id=anna"];
      for (const path of paths) {
        await page.goto(gateway.origin() + path);
        await expectAccessible(page);
        await expectFits(page);
      }
    });
  }
}

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("one session is found by its virtual proxy and user, and ended", async ({ page, browser }) => {
    const other = await another(browser, "Another browser");
    await signIn(page, gateway);
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
    await signIn(page, gateway);
    await page.goto(`${gateway.origin()}/qmc/sessions`);
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
  await page.goto(`${gateway.origin()}/qmc/sessions`);
  await expect(page.getByText(EVIL).first()).toBeVisible();
  await page.getByRole("row", { name: EVIL }).first().getByRole("link").click();
  await expect(page.getByText(EVIL)).toBeVisible();
  expect(await page.locator("main img, main script").count()).toBe(0);
  await context.close();
});
