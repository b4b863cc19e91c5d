// Nodes, proxies, tags and certificates in the console, without a script.

import { createServer } from "node:http";

import { expect, test } from "@playwright/test";

import { Qrs } from "../clients/lib/qrs.mjs";
import { signIn, testAccessible, withConsole } from "./lib/console.mjs";

let gateway, backend, node, tag;

const site = withConsole(async ({ gateway: started }) => {
  backend = createServer((request, response) => response.end("hello"));
  await new Promise((resolve) => backend.listen(0, "127.0.0.1", resolve));
  gateway = started;
  const qrs = new Qrs(gateway);
  tag = await qrs.expect(201, "POST", "tag", { name: "external" });
  node = await qrs.expect(201, "POST", "servernodeconfiguration", {
    name: "engine-2",
    hostName: "engine-2.example.com",
    services: [{ path: "/", uri: "http://127.0.0.1:9" }],
  });
  await qrs.expect(201, "POST", "virtualproxyconfig", {
    description: "Portal",
    prefix: "portal",
    sessionCookieHeaderName: "X-Qlik-Session-portal",
    authenticationMethod: "JWT",
    jwtAttributeUserId: "userId",
    jwtAttributeUserDirectory: "[example]",
    jwtPublicKeyCertificate: gateway.pem("server"),
    loadBalancingServerNodes: [{ id: node.id }],
    tags: [{ id: tag.id }],
  });
});
test.afterAll(() => backend?.close());

async function proxyPath(page) {
  await page.goto(`${gateway.origin()}/qmc/proxies`);
  return new URL(await page.locator("a.pick").evaluate((link) => link.href)).pathname;
}

testAccessible(site, async (page, look, visit) => {
  const paths = [
    "/qmc/nodes", "/qmc/nodes?filter=nothing", "/qmc/nodes/new", `/qmc/nodes/${node.id}`, `/qmc/nodes/${node.id}/delete`,
    "/qmc/proxies", await proxyPath(page),
    "/qmc/tags", `/qmc/tags/${tag.id}`, "/qmc/custom-properties/new",
    "/qmc/certificates", "/qmc/certificates?filter=nothing",
  ];
  for (const path of paths) await visit(path);
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a node is created after its backend was tried, and deleted", async ({ page }) => {
    await signIn(page, gateway);
    await page.getByRole("link", { name: "Nodes" }).click();
    await page.getByRole("link", { name: "Create new" }).click();
    await page.getByLabel("Name", { exact: true }).fill("engine-1");
    await page.getByLabel("Host name").fill("127.0.0.1");
    await page.getByLabel("Path 1", { exact: true }).fill("/");
    await page.getByLabel("Address 1").fill("http://127.0.0.1:9");
    await page.getByRole("button", { name: "Check now" }).click();
    await expect(page.getByRole("row", { name: "http://127.0.0.1:9" })).toContainText("not well");
    await page.getByLabel("Address 1").fill(`http://127.0.0.1:${backend.address().port}`);
    await page.getByRole("button", { name: "Check now" }).click();
    await expect(page.getByRole("row", { name: "http://127.0.0.1" })).toContainText("reachable");
    await page.getByLabel("Most connections").fill("-1");
    await page.getByRole("button", { name: "Apply" }).last().click();
    await expect(page.getByText("It must be a whole number")).toBeVisible();
    await page.getByLabel("Most connections").fill("50");
    await page.getByRole("button", { name: "Apply" }).last().click();
    await expect(page.getByRole("status")).toContainText("Created.");
    await page.getByRole("link", { name: "Delete…" }).click();
    await page.getByRole("button", { name: "Delete" }).click();
    await expect(page.getByRole("status")).toContainText("Deleted.");
    await expect(page.getByRole("row", { name: "engine-1" })).toHaveCount(0);
    await page.getByRole("link", { name: "engine-2" }).click();
    await page.getByRole("link", { name: "Delete…" }).click();
    await expect(page.getByText("It cannot be deleted while virtual proxies forward to it.")).toBeVisible();
  });

  test("a virtual proxy is linked at the proxy, and its key is found", async ({ page }) => {
    await signIn(page, gateway);
    await page.goto(gateway.origin() + (await proxyPath(page)));
    await page.getByLabel("Portal /portal").check();
    await page.getByRole("button", { name: "Apply" }).click();
    await expect(page.getByRole("status")).toContainText("Saved.");
    await page.getByRole("link", { name: "Certificates" }).click();
    await expect(page.getByRole("row", { name: "Certificate, RSA" })).toContainText("Portal");
  });

  test("tags and custom properties are made and used", async ({ page }) => {
    await signIn(page, gateway);
    await page.goto(`${gateway.origin()}/qmc/tags`);
    await page.getByLabel("Name of a new tag").fill("External");
    await page.getByRole("button", { name: "Create" }).click();
    await expect(page.getByRole("alert")).toContainText("already");
    await page.getByLabel("Name of a new tag").fill("on trial");
    await page.getByRole("button", { name: "Create" }).click();
    await expect(page.getByRole("status")).toContainText("Created.");
    await page.getByRole("link", { name: "external" }).click();
    await expect(page.getByRole("button", { name: "Delete, and take it off 1" })).toBeVisible();
    await page.goto(`${gateway.origin()}/qmc/custom-properties/new`);
    await page.getByLabel("Name").fill("Owner");
    await page.getByLabel("Values").fill("Sales\nFinance");
    await page.getByLabel("Nodes").check();
    await page.getByRole("button", { name: "Create" }).click();
    await expect(page.getByRole("row", { name: "Owner" })).toContainText("Sales, Finance");
  });
});
