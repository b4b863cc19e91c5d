// The frame of the console: the way in and out, both themes, a narrow screen, no script.

import { expect, test } from "@playwright/test";

import { Qrs } from "../clients/lib/qrs.mjs";
import { expectGood, signIn, testAccessible, withConsole } from "./lib/console.mjs";

let gateway, id;

const site = withConsole(async ({ gateway: started }) => {
  gateway = started;
  const draft = {
    description: "Mashup <b>of</b> the intranet",
    prefix: "jwt",
    sessionCookieHeaderName: "X-Qlik-Session-jwt",
  };
  ({ id } = await new Qrs(gateway).expect(201, "POST", "virtualproxyconfig", draft));
});

const PAGES = () => [
  "/qmc/design",
  "/qmc/nowhere",
  "/qmc/virtual-proxies",
  "/qmc/virtual-proxies?filter=nothing",
  `/qmc/virtual-proxies/${id}/proxies`,
  `/qmc/virtual-proxies/${id}/delete`,
];

test("axe finds nothing on the way in, in both themes and at both widths", async ({ page }) => {
  await page.goto(`${gateway.origin()}/qmc/setup?token=nonsense`);
  await expectGood(page);
  await page.goto(`${gateway.origin()}/internal_forms_authentication/`);
  await page.getByLabel("Name").fill("nobody");
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("The name or the password is wrong.");
  await expectGood(page);
});

testAccessible(site, async (page, look, visit) => {
  for (const path of PAGES()) await visit(path);
});

test("the theme can be switched and stays", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await signIn(page, gateway);
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByRole("button", { name: "Switch between light and dark" }).click();
  const dark = await ground();
  expect(dark).not.toBe(light);
  await page.reload();
  expect(await ground()).toBe(dark);
});

test("nothing on a page breaks its policy, and nothing comes from elsewhere", async ({ page }) => {
  const trouble = [];
  page.on("console", (message) => message.type() === "error" && trouble.push(message.text()));
  page.on("request", (request) => {
    if (!request.url().startsWith(`${gateway.origin()}/`)) trouble.push(request.url());
  });
  await signIn(page, gateway);
  for (const path of ["/qmc/virtual-proxies", "/qmc/design"]) await page.goto(gateway.origin() + path);
  expect(trouble).toEqual([]);
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a virtual proxy is linked, unlinked and deleted", async ({ page }) => {
    const draft = {
      description: "Short-lived",
      prefix: "short",
      sessionCookieHeaderName: "X-Qlik-Session-short",
    };
    await new Qrs(gateway).expect(201, "POST", "virtualproxyconfig", draft);
    await signIn(page, gateway);
    await page.getByLabel("Filter virtual proxies").fill("short");
    await page.getByRole("button", { name: "Filter" }).click();
    await expect(page.getByText("1 of 3")).toBeVisible();
    await page.goto(`${gateway.origin()}/qmc/virtual-proxies`);
    const row = page.getByRole("row", { name: "Short-lived" });
    await expect(row).toContainText("No");
    const { id: short } = await new Qrs(gateway).virtualProxy("short");
    await page.goto(`${gateway.origin()}/qmc/virtual-proxies/${short}/proxies`);
    await page.getByRole("button", { name: "Link Central", exact: true }).click();
    await expect(page.getByRole("status")).toContainText("Linked.");
    await page.getByRole("button", { name: "Unlink Central", exact: true }).click();
    await expect(page.getByRole("status")).toContainText("Unlinked.");
    await page.getByRole("link", { name: "Delete" }).click();
    await expect(page.getByText("Nobody is signed in.")).toBeVisible();
    await page.getByRole("button", { name: "Delete" }).click();
    await expect(page.getByRole("status")).toContainText("Deleted.");
    await expect(page.getByText("Short-lived")).toHaveCount(0);
  });

  test("signing out ends the session", async ({ page }) => {
    await signIn(page, gateway);
    await page.getByText("INTERNAL\\anna").first().click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByLabel("Password")).toBeVisible();
    await page.goto(`${gateway.origin()}/qmc/virtual-proxies`);
    await expect(page.getByLabel("Password")).toBeVisible();
  });
});

test("a page of another site can neither read the console nor post to it", async ({ page, context }) => {
  await signIn(page, gateway);
  const cookies = await context.cookies();
  expect(cookies.find(({ name }) => name === "X-Qlik-Session")).toMatchObject({ httpOnly: true, secure: true });
  // The same host on another port is the same site: cookies travel.
  const origin = "https://localhost:1";
  await page.route(`${origin}/**`, (route) => route.fulfill({ contentType: "text/html", body: "<title>evil</title>" }));
  await page.goto(`${origin}/`);
  const read = await page.evaluate(async (url) => {
    try {
      return (await fetch(url, { credentials: "include" })).status;
    } catch {
      return "blocked";
    }
  }, `${gateway.origin()}/qmc/virtual-proxies`);
  expect(read).toBe("blocked");
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.url().includes("/delete")),
    page.evaluate((action) => {
      const form = Object.assign(document.createElement("form"), { method: "post", action });
      document.body.append(form);
      form.submit();
    }, `${gateway.origin()}/qmc/virtual-proxies/${id}/delete`),
  ]);
  expect(answer.status()).toBe(403);
  await new Qrs(gateway).virtualProxy("jwt");
});
