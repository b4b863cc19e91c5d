// The users in the console: found, given a role, blocked and let in again, without a script.

import { expect, test } from "@playwright/test";

import { Qrs } from "../clients/lib/qrs.mjs";
import { signIn, testAccessible, withConsole } from "./lib/console.mjs";

let id;

const site = withConsole(async ({ gateway }) => {
  const user = { userDirectory: "LAB", userId: "boz", name: "Bozena <b>Bold</b>" };
  ({ id } = await new Qrs(gateway).expect(201, "POST", "user", user));
});
testAccessible(site, async (page, look, visit) => {
  for (const path of ["", "?filter=nobody", `/${id}`, `/${id}/block`]) await visit(`/qmc/users${path}`);
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a user is found, gets a role, is blocked and let in again", async ({ page }) => {
    await signIn(page, site.gateway);
    await page.getByRole("link", { name: "Users" }).click();
    await page.getByLabel("Filter users").fill("lab\\BOZ");
    await page.getByRole("button", { name: "Filter" }).click();
    await expect(page.getByText("1 found")).toBeVisible();
    await expect(page.getByText("Bozena <b>Bold</b>")).toBeVisible();
    await page.getByRole("link", { name: "LAB\\boz" }).click();
    await page.getByRole("checkbox", { name: "AuditAdmin" }).check();
    await page.getByLabel("Name", { exact: true }).fill("Bozena");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("status")).toContainText("Saved.");
    await expect(page.getByRole("checkbox", { name: "AuditAdmin" })).toBeChecked();
    await page.getByRole("link", { name: "Block…" }).click();
    await expect(page.getByText("The user has roles")).toBeVisible();
    await page.getByRole("button", { name: "Block" }).click();
    await expect(page.getByRole("status")).toContainText("Blocked.");
    await page.getByRole("button", { name: "Unblock" }).click();
    await expect(page.getByRole("status")).toContainText("Unblocked.");
    await page.getByLabel("Name", { exact: true }).fill(" ");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("alert")).toContainText("1 to 255 visible characters");
  });

  test("the last local administrator cannot be blocked, and is told why", async ({ page }) => {
    await signIn(page, site.gateway);
    await page.goto(`${site.gateway.origin()}/qmc/users?filter=anna`);
    await page.getByRole("link", { name: "INTERNAL\\anna" }).click();
    await expect(page.getByText("This is you.")).toBeVisible();
    await page.getByRole("link", { name: "Block…" }).click();
    await expect(page.getByText("your own session ends")).toBeVisible();
    await page.getByRole("button", { name: /^Block, and end/ }).click();
    await expect(page.getByRole("alert")).toContainText("is the last local administrator");
    await page.goto(`${site.gateway.origin()}/qmc/users`);
    await expect(page.getByRole("row", { name: "INTERNAL\\anna" })).toContainText("RootAdmin");
  });
});
