// sslyze 6.3, a scanner of TLS servers, finds nothing. JOTGATE_SSLYZE names its program; `cargo xtask
// test` installs one.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { Gateway } from "./lib/gateway.mjs";

const OWN = fileURLToPath(new URL("../target/tools/python-sslyze/bin/sslyze", import.meta.url));
const sslyze = process.env.JOTGATE_SSLYZE ?? OWN;

const SCANS = [
  ...["sslv2", "sslv3", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3"],
  ...["compression", "early_data", "elliptic_curves", "ems", "fallback"],
  ...["heartbleed", "openssl_ccs", "reneg", "robot"],
];

describe("sslyze", () => {
  let gateway;
  const found = {};

  before(async () => {
    gateway = await Gateway.start();
    for (const port of [gateway.port, gateway.qrsPort]) {
      const file = join(gateway.dataDir, `sslyze-${port}.json`);
      const flags = SCANS.map((scan) => `--${scan}`);
      const settings = ["--mozilla_config", "disable", "--json_out", file, `localhost:${port}`];
      await promisify(execFile)(sslyze, [...flags, ...settings], { timeout: 60_000 });
      const [server] = JSON.parse(await readFile(file, "utf8")).server_scan_results;
      found[port] = server.scan_result;
    }
  });
  after(() => gateway?.stop());

  const result = (scan, port = gateway.port) => {
    const { status, result } = found[port][scan];
    assert.equal(status, "COMPLETED", scan);
    return result;
  };
  const suites = (version) =>
    result(`${version}_cipher_suites`)
      .accepted_cipher_suites.map(({ cipher_suite }) => cipher_suite.name)
      .sort();

  it("old versions are not spoken", () => {
    for (const version of ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"]) {
      assert.deepEqual(suites(version), [], version);
    }
  });

  it("every suite has forward secrecy and authenticated encryption", () => {
    assert.deepEqual(suites("tls_1_2"), [
      "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
      "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
      "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ]);
    assert.deepEqual(suites("tls_1_3"), [
      "TLS_AES_128_GCM_SHA256",
      "TLS_AES_256_GCM_SHA384",
      "TLS_CHACHA20_POLY1305_SHA256",
    ]);
  });

  it("curves are today's", () => {
    const curves = result("elliptic_curves").supported_curves.map(({ name }) => name);
    assert.deepEqual(curves.sort(), ["X25519", "secp256r1", "secp384r1"]);
  });

  it("known attacks do not work", () => {
    assert.equal(result("heartbleed").is_vulnerable_to_heartbleed, false);
    assert.equal(result("openssl_ccs_injection").is_vulnerable_to_ccs_injection, false);
    assert.equal(result("robot").robot_result, "NOT_VULNERABLE_RSA_NOT_SUPPORTED");
    assert.equal(result("tls_compression").supports_compression, false);
    assert.equal(result("tls_fallback_scsv").supports_fallback_scsv, true);
    assert.equal(result("tls_extended_master_secret").supports_ems_extension, true);
    const renegotiation = result("session_renegotiation");
    assert.equal(renegotiation.is_vulnerable_to_client_renegotiation_dos, false);
    assert.equal(renegotiation.client_renegotiations_success_count, 0);
  });

  it("early data, which anybody can send again, is not taken", () => {
    assert.equal(result("tls_1_3_early_data").supports_early_data, false);
  });

  it("the administration ports speak the same versions", () => {
    for (const version of ["ssl_3_0", "tls_1_0", "tls_1_1"]) {
      const scan = found[gateway.qrsPort][`${version}_cipher_suites`];
      assert.equal(scan.result?.is_tls_version_supported ?? false, false, version);
    }
  });
});
