// Browsers open WebSockets on the connection that they have, when it speaks HTTP/2 and the server lets
// them (RFC 8441). Two connections to one host would be two handshakes and twice the waiting.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "@playwright/test";

import { Gateway } from "../clients/lib/gateway.mjs";
import { expectHub } from "./lib/hub.mjs";
import { Portal } from "./lib/portal.mjs";

let gateway, portal, folder, log;

test.beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "jotgate-e2e-"));
  log = join(folder, "access.log");
  gateway = await Gateway.start({ flags: ["--access-log", log] });
  portal = await Portal.start(gateway);
});
test.afterAll(async () => {
  await portal?.stop();
  await gateway?.stop();
  await rm(folder, { recursive: true, force: true });
});

test("the WebSocket of a page is a stream of HTTP/2", async ({ page }) => {
  await page.setExtraHTTPHeaders({ Authorization: `Bearer ${portal.token()}` });
  await page.goto(`${portal.gatewayOrigin}/jwt/hub/`);
  await page.setExtraHTTPHeaders({});
  await expectHub(page, "boz");
  await page.close();
  const line = async () => {
    const lines = (await readFile(log, "utf8")).split("\n").filter(Boolean).map(JSON.parse);
    return lines.find(({ path }) => path.startsWith("/jwt/app/"));
  };
  // Over HTTP/1.1 it would be a GET and a 101.
  await expect.poll(line).toMatchObject({ method: "CONNECT", status: 200 });
});
