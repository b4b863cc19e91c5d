// PyJWT 2.15, a second opinion on tokens: it makes hundreds of them, good and bad ones, and judges each
// by the same rules as the gateway. What it refuses the gateway refuses; where the gateway is
// stricter, that is listed here. JOTGATE_PYJWT names a Python that has it; `cargo xtask test` makes
// one.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { Gateway } from "./lib/gateway.mjs";
import { bearer } from "./lib/http.mjs";
import { Qrs } from "./lib/qrs.mjs";

const SCRIPT = fileURLToPath(new URL("pyjwt/judge.py", import.meta.url));
const OWN = fileURLToPath(new URL("../target/tools/python-pyjwt/bin/python", import.meta.url));
const python = process.env.JOTGATE_PYJWT ?? OWN;

/**
 * What PyJWT accepts and the gateway refuses, with the reasons. Most are tokens that two programs can
 * read as two different ones; a claim of the wrong type is never read as another one.
 */
const STRICTER = {
  "UTF-16": ["token_malformed"],
  "byte order mark": ["token_malformed"],
  crit: ["token_header_unsupported"],
  deep: ["token_malformed"],
  "exp as text": ["claim_invalid"],
  "exp beyond all dates": ["claim_invalid"],
  header: ["token_encrypted", "token_header_unsupported"],
  "iat as text": ["claim_invalid"],
  "nbf as text": ["claim_invalid"],
  "negative iat": ["claim_invalid"],
  "negative nbf": ["claim_invalid"],
  "no JSON number": ["token_malformed"],
  "no text": ["token_malformed"],
  padding: ["token_malformed"],
  twice: ["token_malformed"],
  typ: ["token_header_unsupported"],
  // Who the user is an application of PyJWT has to check itself.
  user: ["claim_invalid", "claim_missing"],
};

/** What PyJWT refuses and the gateway accepts: `sub` means nothing to it unless it is mapped. */
const LAXER = { sub: ["InvalidSubjectError"] };

/** Differences as `{ kind: [reasons] }`, both sorted. */
function byKind(cases, reason) {
  const kinds = {};
  for (const one of cases) (kinds[one.kind] ??= new Set()).add(reason(one));
  return Object.fromEntries(Object.entries(kinds).map(([kind, set]) => [kind, [...set].sort()]));
}

describe("PyJWT", () => {
  let gateway, cases;

  before(async () => {
    gateway = await Gateway.start();
    const run = promisify(execFile)(python, [SCRIPT], { timeout: 60_000, maxBuffer: 64 << 20 });
    const made = JSON.parse((await run).stdout);
    cases = made.cases;
    await new Qrs(gateway).change("jwt", {
      jwtPublicKeyCertificate: made.publicKey,
      jwtAudience: "portal",
      jwtIssuer: "https://issuer.example",
      jwtRequireExpiration: true,
      jwtClockSkewSeconds: 60,
      jwtAttributeMap: [],
    });
  });
  after(() => gateway?.stop());

  it("and the gateway judge the same tokens", async (t) => {
    const waiting = [...cases];
    const ask = async () => {
      for (let one = waiting.pop(); one; one = waiting.pop()) {
        const { status, headers, text } = await gateway.request("/jwt/qps/csrftoken", {
          headers: bearer(one.token),
        });
        assert.ok([204, 401].includes(status), `${one.kind}: ${status} ${text} ${one.token}`);
        one.served = status === 204;
        one.reason = headers["jotgate-reason"];
      }
    };
    await Promise.all([ask(), ask(), ask(), ask()]);

    const served = cases.filter((one) => one.served).length;
    const agree = cases.filter((one) => one.served === one.accepted).length;
    t.diagnostic(
      `${cases.length} tokens: ${agree} verdicts agree, ${served} accepted by the gateway, ` +
        `${cases.filter((one) => one.accepted).length} by PyJWT`,
    );
    assert.ok(cases.length >= 500 && served >= 0.2 * cases.length, "enough of both kinds");
    assert.ok(
      cases.every((one) => one.kind !== "plain" || (one.served && one.accepted)),
      "plain tokens are good",
    );
  });

  it("refuses nothing that the gateway accepts but what is listed", () => {
    const laxer = cases.filter((one) => one.served && !one.accepted);
    assert.deepEqual(byKind(laxer, (one) => one.error), LAXER);
  });

  it("accepts nothing that the gateway refuses but what is listed", () => {
    const stricter = cases.filter((one) => !one.served && one.accepted);
    assert.deepEqual(byKind(stricter, (one) => one.reason), STRICTER);
  });
});
