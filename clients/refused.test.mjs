// Who must not get into QRS and QPS: forged requests, and clients without the right certificate.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";

import { binary, environment, Gateway } from "./lib/gateway.mjs";
import { request } from "./lib/http.mjs";
import { Qrs } from "./lib/qrs.mjs";

const XSRF = "XSRF prevention check failed. Possible XSRF discovered.";

describe("QRS and QPS refuse", () => {
  let gateway, qrs;

  before(async () => {
    gateway = await Gateway.start();
    qrs = new Qrs(gateway);
  });
  after(() => gateway?.stop());

  for (const [what, options] of [
    ["a key that differs from the header's", { xrfkey: "fedcba9876543210" }],
    ["a header without a value", { headers: { "X-Qlik-Xrfkey": "" } }],
    ["a key of 15 characters", { xrfkey: "0123456789abcde", headers: { "X-Qlik-Xrfkey": "0123456789abcde" } }],
    ["a key with other characters", { xrfkey: "0123456789abcde-", headers: { "X-Qlik-Xrfkey": "0123456789abcde-" } }],
  ]) {
    it(`${what} (Xrfkey)`, async () => {
      const { status, text } = await qrs.send("GET", "about", undefined, options);
      assert.equal(status, 403);
      assert.ok(text.includes(XSRF), text);
    });
  }

  it("nothing when both keys are right", async () => {
    assert.equal((await qrs.send("GET", "about")).status, 200);
  });

  /** A request with this client certificate has to fail before there is an answer. */
  async function refusedByTls(certificate) {
    const user = { "X-Qlik-User": "UserDirectory=INTERNAL; UserId=sa_repository" };
    const headers = { "X-Qlik-Xrfkey": "0123456789abcdef", ...user };
    for (const [port, path] of [
      [gateway.qrsPort, "/qrs/about"],
      [gateway.qpsPort, "/qps/alive"],
    ]) {
      const url = `https://localhost:${port}${path}?xrfkey=0123456789abcdef`;
      const asked = request(url, { headers, ca: gateway.pem("root"), ...certificate });
      await assert.rejects(asked, (error) => {
        const kind = `${error.code} ${error.message}`;
        assert.match(kind, /alert|ECONNRESET|EPIPE|socket hang up/i, `port ${port}: ${kind}`);
        return true;
      });
    }
  }

  it("a client without a certificate", async () => {
    await refusedByTls({});
  });

  it("server.pem as a client certificate", async () => {
    await refusedByTls({ cert: gateway.pem("server"), key: gateway.pem("server_key") });
  });

  it("a certificate that somebody made for themselves", async () => {
    const folder = await mkdtemp(join(tmpdir(), "jotgate-keygen-"));
    try {
      const keygen = ["keygen", "--out", folder, "--subject", "sa_repository"];
      await promisify(execFile)(binary, keygen, { env: environment() });
      const cert = await readFile(join(folder, "certificate.pem"));
      const key = await readFile(join(folder, "private_key.pem"));
      await refusedByTls({ cert, key });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
