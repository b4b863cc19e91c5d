// qlik-sense-mcp-server 2.4 through a virtual proxy: it signs in with a token, goes on with cookie and
// CSRF token alone, asks a repository and an engine, and logs out. JOTGATE_MCP names its program;
// `cargo xtask test` installs one.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { environment, Gateway } from "./lib/gateway.mjs";
import { Qrs } from "./lib/qrs.mjs";
import { sign } from "./lib/rsa.mjs";

const OWN = fileURLToPath(
  new URL("../target/tools/python-mcp/bin/qlik-sense-mcp-server", import.meta.url),
);
const program = process.env.JOTGATE_MCP ?? OWN;

describe("qlik-sense-mcp-server", () => {
  let gateway, repository, child, log;
  const asked = [];
  const waiting = new Map();

  before(async () => {
    gateway = await Gateway.start();
    repository = createServer(answer).listen(0, "127.0.0.1");
    await once(repository, "listening");
    const qrs = new Qrs(gateway);
    const [node] = await qrs.expect(200, "GET", "servernodeconfiguration/full");
    const uri = `http://127.0.0.1:${repository.address().port}`;
    const services = [...node.services, { path: "/qrs", uri, healthPath: "" }];
    await qrs.expect(200, "PUT", `servernodeconfiguration/${node.id}`, { ...node, services });

    const token = sign({ userId: "ana", userDirectory: "example" }, gateway.pem("server_key"));
    const settings = {
      QLIK_SERVER_URL: `${gateway.origin()}/jwt`,
      QLIK_JWT_TOKEN: token,
      QLIK_SESSION_CACHE: "false",
    };
    child = spawn(program, ["--stdio"], { env: { ...environment(), ...settings } });
    log = "";
    child.stderr.setEncoding("utf8").on("data", (text) => (log += text));
    let line = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      const lines = (line + text).split("\n");
      line = lines.pop();
      for (const message of lines.map((text) => JSON.parse(text))) waiting.get(message.id)?.(message);
    });
    const clientInfo = { name: "jotgate-clients", version: "1" };
    await ask("initialize", { protocolVersion: "2024-11-05", capabilities: {}, clientInfo });
    send({ method: "notifications/initialized" });
  });
  after(async () => {
    child?.kill();
    repository?.close();
    await gateway?.stop();
  });

  /** A repository as far as the client asks for one. */
  function answer(request, response) {
    const { pathname } = new URL(request.url, "http://localhost");
    asked.push({ call: `${request.method} ${pathname}`, headers: request.headers });
    const answers = {
      "/qrs/about": { buildVersion: "38.22.0.0", nodeType: 1 },
      "/qrs/app/count": { value: 0 },
      "/qrs/app/table": { columnNames: [], rows: [] },
    };
    response.setHeader("content-type", "application/json");
    response.statusCode = request.method === "POST" ? 201 : 200;
    response.end(JSON.stringify(answers[pathname] ?? {}));
  }

  const send = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  let last = 0;
  const ask = (method, params) => {
    const id = ++last;
    send({ id, method, params });
    return new Promise((resolve, reject) => {
      waiting.set(id, resolve);
      child.once("exit", () => reject(new Error(log)));
    });
  };
  const tool = async (name, args = {}) =>
    JSON.parse((await ask("tools/call", { name, arguments: args })).result.content[0].text);

  it("asks the repository as the user, without the token", async () => {
    assert.equal((await tool("get_about")).buildVersion, "38.22.0.0");
    assert.deepEqual((await tool("get_apps", { published: "both" })).apps, []);
    assert.equal(asked[0].call, "GET /qrs/about");
    for (const { call, headers } of asked) {
      assert.match(headers["x-qlik-user"] ?? "", /UserId=ana/, call);
      assert.equal(headers.authorization, undefined, call);
    }
  });

  it("reaches the engine", async () => {
    const { error } = await tool("get_app_script", { app_id: "no-such-app" });
    assert.match(error, /App not found/, "the engine's own answer");
  });

  it("logs out when it ends", async () => {
    const ended = once(child, "exit");
    child.stdin.end();
    await ended;
    assert.match(log, /JWT session logout: HTTP 204/);
  });
});
