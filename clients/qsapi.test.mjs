// qsAPI 2.2, a Python library: a script that rotates the key of a virtual proxy, and one that opens and
// ends sessions. JOTGATE_PYTHON names a Python that has it; `cargo xtask test` makes one.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { Gateway } from "./lib/gateway.mjs";
import { bearer, cookie } from "./lib/http.mjs";
import { rsaKey, sign } from "./lib/rsa.mjs";

const script = (name) => fileURLToPath(new URL(`qsapi/${name}.py`, import.meta.url));
const OWN = fileURLToPath(new URL("../target/tools/python/bin/python", import.meta.url));
const python = process.env.JOTGATE_PYTHON ?? OWN;

describe("qsAPI", () => {
  let gateway;
  const key = rsaKey(3072);
  const user = { userId: "ana", userDirectory: "example" };

  before(async () => {
    gateway = await Gateway.start();
  });
  after(() => gateway?.stop());

  const ask = (headers) => gateway.request("/jwt/qps/csrftoken", { headers });

  /** What a script saw that uses the client certificate. */
  async function run(name, port, ...rest) {
    const words = [script(name), `localhost:${port}`, gateway.pemFile("client"), ...rest];
    const { stdout } = await promisify(execFile)(python, words, { timeout: 30_000 });
    return JSON.parse(stdout.slice(stdout.lastIndexOf("\n{") + 1)); // The library logs before it.
  }

  it("rotates a key: new tokens count at once, old ones no more, sessions go on", async () => {
    const old = sign(user, gateway.pem("server_key"));
    const session = cookie(await ask(bearer(old)), "X-Qlik-Session-jwt");
    assert.ok(session, "signed in with the old key");
    assert.equal((await ask(bearer(sign(user, key.privateKey)))).status, 401);

    const file = join(gateway.dataDir, "new-key.pem");
    await writeFile(file, key.publicKey);
    const saw = await run("rotate_key", gateway.qrsPort, "jwt", file);
    assert.match(saw.version, /^\d+\.\d+\.\d+/);
    assert.deepEqual({ ...saw, version: "" }, { version: "", count: 2, matching: 1, saved: 200 });

    assert.equal((await ask(bearer(sign(user, key.privateKey)))).status, 204);
    assert.equal((await ask(bearer(old))).status, 401);
    assert.equal((await ask({ cookie: session })).status, 204);
  });

  it("opens, shows and ends sessions, and gets tickets", async () => {
    const { ticket, ...saw } = await run("sessions", gateway.qpsPort, "jwt");
    assert.deepEqual(saw, {
      ...{ opened: 201, found: "boz", sameId: true, elsewhere: 404, ended: true, gone: 404 },
      ...{ endedTogether: 2, left: [] },
    });
    const redeemed = await gateway.request(`/qps/user?qlikTicket=${ticket}`);
    assert.equal(redeemed.status, 302, redeemed.text);
    const session = cookie(redeemed, "X-Qlik-Session");
    const { text } = await gateway.request("/qps/user", { headers: { cookie: session } });
    assert.equal(JSON.parse(text).userId, "boz");
  });
});
