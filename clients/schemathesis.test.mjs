// schemathesis 4.32 sends what the OpenAPI documents of QRS, QPS and our own endpoints allow, and what
// they do not, with the client certificate: no answer is a failure of the gateway's own, and none is another than the
// documents say. JOTGATE_SCHEMATHESIS names its program; `cargo xtask test` installs one.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { Gateway } from "./lib/gateway.mjs";
import { request } from "./lib/http.mjs";
import { Qrs } from "./lib/qrs.mjs";

const OWN = fileURLToPath(new URL("../target/tools/python-schemathesis/bin/st", import.meta.url));
const schemathesis = process.env.JOTGATE_SCHEMATHESIS ?? OWN;

const KEY = "0123456789abcdef";
const CHECKS = [
  ...["not_a_server_error", "status_code_conformance"],
  ...["content_type_conformance", "response_schema_conformance"],
];

/** What a request needs to be looked at in earnest; the documents cannot say that both are the same. */
const SETTINGS = `
[parameters]
"query.xrfkey" = "${KEY}"
"header.X-Qlik-Xrfkey" = "${KEY}"
"path.virtualproxy" = "jwt"
`;

describe("schemathesis", () => {
  let gateway, qrs;

  before(async () => {
    gateway = await Gateway.start();
    qrs = new Qrs(gateway);
    await writeFile(join(gateway.dataDir, "schemathesis.toml"), SETTINGS);
  });
  after(() => gateway?.stop());

  /** The same over the document of an interface, as QRS describes it. */
  async function run(name, port, base, examples) {
    const described = await qrs.send("GET", `about/openapi/${encodeURIComponent(name)}`);
    assert.equal(described.status, 200, described.text);
    return runOver(described.text, port, base, examples);
  }

  /** Runs it over a document; gives how many requests it sent. Each operation gets `examples`. */
  async function runOver(text, port, base, examples) {
    const document = join(gateway.dataDir, `${base.replaceAll("/", "-")}.json`);
    await writeFile(document, text);
    const flags = [
      ...["--config-file", join(gateway.dataDir, "schemathesis.toml"), "--no-color", "run", document],
      ...["--url", `https://localhost:${port}/${base}`, "--tls-verify", gateway.pemFile("root")],
      ...["--request-cert", gateway.pemFile("client")],
      ...["--request-cert-key", gateway.pemFile("client_key")],
      ...["--header", "X-Qlik-User: UserDirectory=INTERNAL; UserId=sa_repository"],
      ...["--phases", "fuzzing", "--checks", CHECKS.join(","), "--max-examples", `${examples}`],
      ...["--generation-deterministic", "--continue-on-failure", "--no-shrink"],
    ];
    const { code, printed } = await ended(spawn(schemathesis, flags, { cwd: gateway.dataDir }));
    assert.equal(code, 0, printed);
    return Number(printed.match(/(\d+) generated, \1 passed/)?.[1] ?? assert.fail(printed));
  }

  it("finds nothing in QRS", { timeout: 110_000 }, async () => {
    assert.ok((await run("Repository Main API", gateway.qrsPort, "qrs", 3)) > 200);
  });

  it("finds nothing in QPS", { timeout: 110_000 }, async () => {
    assert.ok((await run("Proxy Main API", gateway.qpsPort, "qps", 15)) > 100);
  });

  it("finds nothing in our own endpoints", { timeout: 110_000 }, async () => {
    const described = await request(`https://localhost:${gateway.qrsPort}/jotgate/v1/openapi.json`, {
      headers: { "X-Qlik-User": "UserDirectory=INTERNAL; UserId=sa_repository" },
      ca: gateway.pem("root"),
      cert: gateway.pem("client"),
      key: gateway.pem("client_key"),
    });
    assert.equal(described.status, 200, described.text);
    assert.ok((await runOver(described.text, gateway.qrsPort, "jotgate/v1", 10)) > 200);
  });
});

/** The exit code of a process, and what it printed. */
function ended(child) {
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => (printed += text));
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, printed }));
  });
}
