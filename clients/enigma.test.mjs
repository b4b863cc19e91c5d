// enigma.js 2.15 as a portal uses it: a token, a CSRF token, a WebSocket, the document list.
// The virtual proxy is set up as for enigma.js' own JWT example: attributes `user` and `directory`,
// a key of its own, tokens without `exp`.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import jwt from "jsonwebtoken";
import WebSocket from "ws";

import { Gateway } from "./lib/gateway.mjs";
import { bearer } from "./lib/http.mjs";
import { Qrs } from "./lib/qrs.mjs";
import { rsaKey } from "./lib/rsa.mjs";

const SCRIPT = fileURLToPath(new URL("enigma/list-documents.mjs", import.meta.url));
const DOCUMENTS = ["Executive Dashboard", "Operations Monitor", "Sales Overview"];

describe("enigma.js", () => {
  let gateway, qrs, portal, folder;

  before(async () => {
    gateway = await Gateway.start();
    qrs = new Qrs(gateway);
    portal = rsaKey();
    folder = await mkdtemp(join(tmpdir(), "jotgate-portal-"));
    await writeFile(join(folder, "key.pem"), portal.privateKey);
  });
  after(async () => {
    await gateway?.stop();
    if (folder) await rm(folder, { recursive: true });
  });

  /** Runs the portal's script as a process of its own, as its user would. */
  async function listDocuments() {
    const env = {
      PATH: process.env.PATH,
      NODE_EXTRA_CA_CERTS: gateway.pemFile("root"),
      PORTAL_HOST: `localhost:${gateway.port}`,
      PORTAL_PREFIX: "jwt",
      PORTAL_KEY: join(folder, "key.pem"),
    };
    const run = promisify(execFile)(process.execPath, [SCRIPT], { env, timeout: 30_000 });
    return JSON.parse((await run).stdout);
  }

  const token = (privateKey) =>
    jwt.sign({ directory: "EXAMPLE", user: "boz" }, privateKey, { algorithm: "RS256" });

  it("sets the virtual proxy up over QRS", async () => {
    const changed = await qrs.change("jwt", {
      jwtAttributeUserId: "user",
      jwtAttributeUserDirectory: "directory",
      jwtAttributeMap: [],
      jwtPublicKeyCertificate: portal.publicKey,
    });
    assert.equal(changed.jwtAttributeUserId, "user");
    assert.equal(changed.jwtPublicKeyCertificate.trim(), portal.publicKey.trim());
  });

  it("gets the document list", async () => {
    const { csrf, sent, received, documents, user, code } = await listDocuments();
    assert.equal(csrf.status, 204);
    assert.match(csrf.token, /^\S+$/);
    const [first] = sent;
    assert.deepEqual(
      { method: first.method, delta: first.delta, handle: first.handle },
      { method: "GetDocList", delta: true, handle: -1 },
    );
    assert.deepEqual(documents.map((document) => document.qDocName).sort(), DOCUMENTS);
    assert.match(user, /UserDirectory=EXAMPLE; ?UserId=boz/);
    // enigma.js shows notifications as they came; the gateway's and the engine's greeting are among them.
    const greeting = received.map((message) => message.method).filter(Boolean);
    assert.deepEqual(greeting, ["OnAuthenticationInformation", "OnConnected"]);
    assert.equal(code, 1000);
  });

  it("is refused with a token of the key that was there before", async () => {
    const old = token(gateway.pem("server_key"));
    const { status, text } = await gateway.request("/jwt/qps/csrftoken", { headers: bearer(old) });
    assert.equal(status, 401);
    assert.match(text, /The token is not valid\./);
  });

  it("is refused at the upgrade without a token", async () => {
    const url = `wss://localhost:${gateway.port}/jwt/app/engineData`;
    const socket = new WebSocket(url, { ca: gateway.pem("root") });
    const status = await new Promise((resolve, reject) => {
      socket.on("unexpected-response", (_, response) => resolve(response.statusCode));
      socket.on("open", () => reject(new Error("the socket was opened")));
      socket.on("error", reject);
    });
    socket.on("error", () => {}); // `terminate` below tells of the connection that never was.
    socket.terminate();
    assert.equal(status, 401);
  });

  it("is told why a 1024-bit key is refused, and goes on with the key that was there", async () => {
    const { id, ...fields } = await qrs.virtualProxy("jwt");
    const short = { id, ...fields, jwtPublicKeyCertificate: rsaKey(1024).publicKey };
    const { status, text } = await qrs.send("PUT", `virtualproxyconfig/${id}`, short);
    assert.equal(status, 400, text);
    for (const part of ["jwtPublicKeyCertificate", "1024 bits", "RFC 7518", "2048", "jotgate keygen"]) {
      assert.ok(text.includes(part), `"${part}" is missing in: ${text}`);
    }
    const { documents } = await listDocuments();
    assert.equal(documents.length, DOCUMENTS.length);
  });
});
