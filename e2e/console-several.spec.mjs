// The overview of virtual proxies: columns, pages and what is done with several at once. With and without
// a script.

import { expect, test } from "@playwright/test";

import { Qrs } from "../clients/lib/qrs.mjs";
import { signIn, testAccessible, withConsole } from "./lib/console.mjs";
import { expectAccessible } from "./lib/hub.mjs";

let gateway;

const site = withConsole(async ({ gateway: started }) => {
  gateway = started;
  const qrs = new Qrs(gateway);
  await qrs.expect(201, "POST", "tag", { name: "portal" });
  for (let at = 0; at < 25; at += 1) {
    const prefix = `p${String(at).padStart(2, "0")}`;
    const sessionCookieHeaderName = `X-Qlik-Session-${prefix}`;
    await qrs.expect(201, "POST", "virtualproxyconfig", { description: `Portal ${prefix}`, prefix, sessionCookieHeaderName });
  }
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with a script" : "without a script", () => {
    test.use({ javaScriptEnabled });
    // Each has some of its own.
    const own = javaScriptEnabled ? ["p01", "p02"] : ["p03", "p04"];
    const row = (page, prefix) => page.getByRole("row").filter({ hasText: `Portal ${prefix}` });

    test("columns and rows are chosen, and addresses keep it", async ({ page }) => {
      await signIn(page, gateway);
      await page.goto(`${gateway.origin()}/qmc/virtual-proxies`);
      await page.getByText("Columns", { exact: true }).first().click();
      await page.getByLabel("Tags", { exact: true }).uncheck();
      await page.getByLabel("Session inactivity timeout").check();
      await page.getByLabel("Rows of a page").selectOption("20");
      if (javaScriptEnabled) await expectAccessible(page);
      await page.getByRole("button", { name: "Show", exact: true }).click();
      await expect(page.getByRole("columnheader", { name: "Session inactivity timeout" })).toBeVisible();
      await expect(page.getByRole("columnheader", { name: "Tags" })).toHaveCount(0);
      await expect(page.getByText("Page 1 of 2")).toBeVisible();
      await page.getByRole("link", { name: "Prefix", exact: true }).click();
      await page.getByRole("link", { name: "Next" }).click();
      await expect(page.getByText("Page 2 of 2")).toBeVisible();
      await expect(page.getByRole("columnheader", { name: "Tags" })).toHaveCount(0);
      await expect(row(page, "p24")).toContainText("30 min");
    });

    test("several are linked, tagged and deleted", async ({ page }) => {
      await signIn(page, gateway);
      await page.goto(`${gateway.origin()}/qmc/virtual-proxies?filter=Portal`);
      const press = async (name) => {
        for (const prefix of own) await page.getByLabel(`Select Portal ${prefix}`).check();
        await page.getByText("With those that are selected").click();
        await page.getByRole("button", { name, exact: true }).click();
      };
      await press("Link");
      await expect(page.getByRole("status")).toContainText("Linked.");
      await expect(page.getByRole("searchbox")).toHaveValue("Portal");
      for (const prefix of own) await expect(row(page, prefix)).toContainText("Yes");
      await press("Tag");
      await expect(page.getByRole("status")).toContainText("Saved.");
      for (const prefix of own) await expect(row(page, prefix)).toContainText("portal");
      if (javaScriptEnabled) await expectAccessible(page);
      await press("Unlink");
      for (const prefix of own) await expect(row(page, prefix)).not.toContainText("Yes");
      await press("Delete…");
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Delete 2 virtual proxies");
      await expect(page.getByText(`/${own[0]}/`)).toBeVisible();
      if (javaScriptEnabled) await expectAccessible(page);
      await page.getByRole("button", { name: "Delete all" }).click();
      await expect(page.getByRole("status")).toContainText("Deleted.");
      for (const prefix of own) await expect(row(page, prefix)).toHaveCount(0);
      await page.getByText("With those that are selected").click();
      await page.getByRole("button", { name: "Unlink", exact: true }).click();
      await expect(page.getByText("Tick those that it is for")).toBeVisible();
    });
  });
}

testAccessible(site, async (page, look) => {
  await page.goto(`${gateway.origin()}/qmc/virtual-proxies`);
  await page.getByText("With those that are selected").click();
  await look();
  await page.getByText("Columns", { exact: true }).first().click();
  await look();
});

test("one box ticks all of them", async ({ page }) => {
  await signIn(page, gateway);
  await page.goto(`${gateway.origin()}/qmc/virtual-proxies?filter=p1`);
  await page.getByLabel("All on this page").check();
  await expect(page.getByLabel("Select Portal p10")).toBeChecked();
});
