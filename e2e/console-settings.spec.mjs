// The settings of the process and the certificates of the gateway itself, in the console.

import { expect, test } from "@playwright/test";

import { Qrs } from "../clients/lib/qrs.mjs";
import { signIn, testAccessible, withConsole } from "./lib/console.mjs";

const FLAGS = ["--public-host", "gateway.localtest", "--idle-timeout", "70s"];

const site = withConsole(async (site) => {
  const made = await new Qrs(site.gateway).expect(201, "POST", "virtualproxyconfig", {
    description: "Portal",
    prefix: "portal",
    sessionCookieHeaderName: "X-Qlik-Session-portal",
    authenticationMethod: "JWT",
    jwtAttributeUserId: "userId",
    jwtAttributeUserDirectory: "[example]",
    jwtPublicKeyCertificate: site.gateway.pem("server"),
  });
  site.id = made.id;
}, FLAGS);

testAccessible(site, async (page, look, at) => {
  for (const path of ["/qmc/settings", "/qmc/certificates", `/qmc/virtual-proxies/${site.id}/keys`]) await at(path);
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("every setting says what it is and where that comes from", async ({ page }) => {
    await signIn(page, site.gateway);
    await page.getByRole("link", { name: "Settings" }).click();
    const row = (name) => page.getByRole("row", { name: new RegExp(`^${name} `) });
    await expect(row("idle-timeout")).toContainText("70s");
    await expect(row("idle-timeout")).toContainText("--idle-timeout");
    await expect(row("idle-timeout")).toContainText("SIGHUP");
    await expect(row("body-timeout")).toContainText("default");
    await expect(row("data-dir")).toContainText(site.gateway.dataDir);
    await expect(row("data-dir")).toContainText("restart");
  });

  test("a certificate of the gateway is shown with its names, and warned of where it checks tokens", async ({ page }) => {
    await signIn(page, site.gateway);
    await page.getByRole("link", { name: "Certificates" }).click();
    const own = page.getByRole("region", { name: "Certificates of this gateway" }).getByRole("row");
    await expect(own).toHaveCount(3);
    const served = own.filter({ hasText: "server.pem" });
    for (const text of ["gateway.localtest", `gateway 127.0.0.1:${site.gateway.port}`, "QRS 127.0.0.1", "RSA, 2048 bits"]) {
      await expect(served).toContainText(text);
    }
    await expect(own.filter({ hasText: "root.pem" })).toContainText("which clients trust");
    await expect(page.getByRole("region", { name: "Keys that check tokens" })).toContainText("own TLS key");
    await page.goto(`${site.gateway.origin()}/qmc/virtual-proxies/${site.id}/keys`);
    await expect(page.getByRole("main")).toContainText("the key of the gateway's own TLS certificate");
  });
});
