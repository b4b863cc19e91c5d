// A change is looked at before it is made: from the edit page, from the page that deletes, and as a file.

import { readFileSync } from "node:fs";

import { expect, test } from "@playwright/test";

import { Qrs } from "../clients/lib/qrs.mjs";
import { signIn, testAccessible, withConsole } from "./lib/console.mjs";

let gateway, id;

const site = withConsole(async ({ gateway: started }) => {
  gateway = started;
  const draft = {
    description: "Portal",
    prefix: "portal",
    sessionCookieHeaderName: "X-Qlik-Session-portal",
  };
  ({ id } = await new Qrs(gateway).expect(201, "POST", "virtualproxyconfig", draft));
});

const path = () => `${gateway.origin()}/qmc/virtual-proxies/${id}`;
const description = async () => (await new Qrs(gateway).virtualProxy("portal")).description;

/** What the whole configuration is, as a file. */
async function download(page) {
  await page.goto(`${gateway.origin()}/qmc/configuration`);
  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download it" }).click();
  return readFileSync(await (await downloading).path(), "utf8");
}

testAccessible(site, async (page, look, visit) => {
  await page.goto(path());
  await page.getByLabel("Description").fill("Portal in both themes");
  await page.getByLabel("Sessions per user").fill("3");
  await page.getByRole("button", { name: "Preview" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("What it would do");
  await look();
  await page.goto(`${path()}/delete`);
  await page.getByRole("button", { name: "Preview" }).click();
  await look();
  await visit("/qmc/configuration");
  await page.getByLabel("A whole configuration").fill("nonsense");
  await page.getByRole("button", { name: "Show what would change" }).click();
  await expect(page.getByRole("alert")).toContainText("no TOML");
  await look();
});

test("a preview is taken back to editing, and then applied with a note", async ({ page }) => {
  await signIn(page, gateway);
  await page.goto(path());
  await page.getByLabel("Description").fill("The portal of ours");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByRole("button", { name: "Back to editing" }).click();
  await expect(page.getByLabel("Description")).toHaveValue("The portal of ours");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByLabel("Note").fill("A better name");
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByRole("status")).toContainText("Applied.");
  await expect(page.getByText("A better name")).toBeVisible();
  expect(await description()).toBe("The portal of ours");
  // Nothing that was saved is offered as unsaved.
  await page.goto(path());
  await expect(page.locator("#kept")).toBeHidden();
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a change whose probe fails is taken back", async ({ page }) => {
    const before = await description();
    await signIn(page, gateway);
    await page.goto(path());
    await page.getByLabel("Description").fill("Not for long");
    await page.getByRole("button", { name: "Preview" }).click();
    await page.getByText("Take it back when a request fails").click();
    await page.getByLabel("Path", { exact: true }).fill("/portal%2Freport/");
    await page.getByRole("button", { name: "Apply" }).click();
    await expect(page.getByRole("alert")).toContainText("Rolled back");
    await expect(page.getByRole("alert")).toContainText("path_ambiguous");
    expect(await description()).toBe(before);
  });

  test("the whole configuration is a file", async ({ page }) => {
    await signIn(page, gateway);
    const file = await download(page);
    expect(file).toContain('prefix = "portal"');
    const other = file.replace(/description = "[^"]*"\nprefix = "portal"|(?<=prefix = "portal"[^[]*)description = "[^"]*"/, (found) =>
      found.replace(/description = "[^"]*"/, 'description = "From a file"'),
    );
    await page.getByLabel("A whole configuration").fill(other);
    await page.getByRole("button", { name: "Show what would change" }).click();
    await expect(page.getByRole("row", { name: "description" })).toContainText("From a file");
    await page.getByRole("button", { name: "Apply" }).click();
    await expect(page.getByRole("status")).toContainText("Applied.");
    expect(await description()).toBe("From a file");
  });

  test("a token is tried with settings that are not saved", async ({ page }) => {
    await signIn(page, gateway);
    await page.goto(path());
    await page.getByLabel("Authentication method").selectOption("JWT");
    await page.getByLabel("JWT certificate").fill(gateway.pem("server"));
    await page.getByLabel("JWT attribute for user ID").fill("sub");
    await page.getByLabel("JWT attribute for user directory").fill("[example]");
    await page.getByRole("button", { name: "Try a token with these settings" }).click();
    await page.getByRole("textbox", { name: "Token" }).fill("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJib3oifQ.c2ln");
    await page.getByRole("button", { name: "Check the token" }).click();
    await expect(page.getByText("directory \"example\", id \"boz\"")).toBeVisible();
    await page.getByRole("button", { name: "Back to editing" }).click();
    await expect(page.getByLabel("JWT attribute for user directory")).toHaveValue("[example]");
    expect((await new Qrs(gateway).virtualProxy("portal")).jwtAttributeUserDirectory).toBe("");
  });
});
