// Every reason for a refusal: caused once through a real socket, and found in the console by the reference
// that the client was shown. A reason that is added needs a way to cause it here.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:tls";

import { expect, test } from "@playwright/test";

import { bearer, cookie } from "../clients/lib/http.mjs";
import { Qrs } from "../clients/lib/qrs.mjs";
import { rsaKey, sign } from "../clients/lib/rsa.mjs";
import { signIn, withConsole } from "./lib/console.mjs";

/** The reasons, from the manual, which a test keeps complete. */
const manual = readFileSync(new URL("../docs/manual/troubleshooting.md", import.meta.url), "utf8");
const REASONS = [...manual.matchAll(/^## (\w+)$/gm)].map(([, id]) => id);

/** What cannot be caused from outside. */
const ELSEWHERE = {
  request_misdirected: "takes a second certificate: tests/tests/https.rs",
  session_store_unavailable: "takes a disk that fails: tests/tests/faults",
  draining: "is for whoever reads reasons; a gateway that ends answers what it has accepted",
};

const key = rsaKey();
const now = () => Math.floor(Date.now() / 1000);
const claims = (more = {}) => ({ userId: "boz", userDirectory: "LAB", iat: now(), exp: now() + 300, ...more });
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const token = (more) => sign(claims(more), key.privateKey);
/** A token with that header, whose signature nobody looks at. */
const unsigned = (header) => `${part(header)}.${part(claims())}.${"A".repeat(342)}`;

const slow = [];
const backend = createServer((request, response) => {
  if (request.url.includes("never")) slow.push(response);
  else if (request.url.includes("broken")) request.socket.destroy();
  else response.end("served");
});
backend.on("upgrade", (request, socket) => {
  socket.on("error", () => {});
  const { "sec-websocket-key": nonce } = request.headers;
  import("node:crypto").then(({ createHash }) => {
    const accept = createHash("sha1").update(`${nonce}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  });
});
const keySets = createServer((request, response) => {
  const { n, e } = key.jwk;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ keys: [{ kty: "RSA", kid: "known", alg: "RS256", use: "sig", n, e }] }));
});
const listening = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));

const FLAGS = ["--max-body-bytes", "100", "--body-timeout", "1s", "--response-timeout", "2s"];

const site = withConsole(async (site) => {
  const { createPublicKey } = await import("node:crypto");
  key.jwk = createPublicKey(key.publicKey).export({ format: "jwk" });
  const qrs = new Qrs(site.gateway);
  const uri = `http://127.0.0.1:${await listening(backend)}`;
  const published = `http://127.0.0.1:${await listening(keySets)}/`;
  const nodeOf = (name, more) =>
    qrs.expect(201, "POST", "servernodeconfiguration", {
      name, hostName: "127.0.0.1", proxyEnabled: false, services: [{ path: "/", uri }], ...more,
    });
  const node = await nodeOf("Backend");
  const one = await nodeOf("One connection", { maxConnections: 1 });
  const ids = [];
  const place = async (prefix, more = {}) => {
    const { id } = await qrs.expect(201, "POST", "virtualproxyconfig", {
      description: prefix, prefix, sessionCookieHeaderName: `X-Qlik-Session-${prefix}`, authenticationMethod: 4,
      jwtPublicKeyCertificate: key.publicKey, jwtAttributeUserId: "userId", jwtAttributeUserDirectory: "userDirectory",
      loadBalancingServerNodes: [{ id: node.id }], ...more,
    });
    ids.push({ id });
  };
  await place("open");
  await place("strict", {
    jwtIssuer: "issuer", jwtAudience: "us", jwtRequireExpiration: true, jwtMaxLifetimeSeconds: 600,
    jwtAttributeMap: [{ jwtAttribute: "group", senseAttribute: "Group", isMandatory: true }],
  });
  await place("once", { jwtSingleUse: true });
  await place("short", { sessionEndsWithToken: true, jwtClockSkewSeconds: 0 });
  await place("ticket", { authenticationMethod: 0 });
  await place("few", { maxSessionsPerUser: 1 });
  await place("calm", { requestsPerSecond: 1 });
  await place("socket", { maxSocketsPerSession: 1 });
  await place("narrow", { maxRequestsInFlight: 1 });
  await place("busy", { loadBalancingServerNodes: [{ id: one.id }] });
  await place("empty", { loadBalancingServerNodes: [] });
  await place("keys", { jwtPublicKeyCertificate: "", jwtJwksUri: published, jwtAudience: "us" });
  await place("silent", { jwtPublicKeyCertificate: "", jwtJwksUri: "http://127.0.0.1:1/", jwtAudience: "us" });
  const proxy = (await qrs.expect(200, "GET", "proxyservice/full"))[0];
  proxy.settings.virtualProxies.push(...ids);
  await qrs.expect(200, "PUT", `proxyservice/${proxy.id}`, proxy);
  await qrs.expect(201, "POST", "user", { userDirectory: "LAB", userId: "blocked", name: "blocked", blacklisted: true });
}, FLAGS);

test.afterAll(() => {
  for (const server of [backend, keySets]) {
    server.closeAllConnections();
    server.close();
  }
});

const ask = (path, { headers, ...options } = {}) =>
  site.gateway.request(path, { headers: { accept: "application/json", ...headers }, ...options });
const withToken = (prefix, text, more) => ask(`/${prefix}/hub/`, { headers: { ...bearer(text), ...more } });
const strict = (more) => withToken("strict", token({ iss: "issuer", aud: "us", group: "sales", ...more }));

/** Sends bytes; gives the answer once it has ended. */
const raw = (bytes) =>
  new Promise((resolve, reject) => {
    const socket = connect({ port: site.gateway.port, host: "127.0.0.1", servername: "localhost", ca: site.gateway.pem("root") });
    let text = "";
    socket.setTimeout(20_000, () => socket.destroy());
    socket.on("error", reject).on("data", (data) => (text += data));
    socket.on("close", () => resolve({ text: text.slice(text.indexOf("\r\n\r\n") + 4) }));
    socket.write(bytes);
  });
const head = (lines) => ["GET /open/hub/ HTTP/1.1", ...lines, "Accept: application/json", "Connection: close", "", ""].join("\r\n");
const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };

/** Holds a request at a backend that never answers while another one is sent. */
async function besides(prefix) {
  slow.length = 0;
  const waits = ask(`/${prefix}/never/`, { headers: bearer(token({ userId: "held" })) });
  await expect.poll(() => slow.length).toBeGreaterThan(0);
  const answer = await withToken(prefix, token({ userId: "second" }));
  slow.splice(0).forEach((response) => response.end());
  await waits;
  return answer;
}

const WAYS = {
  request_malformed: () => ask("/open/hub/", { method: "TRACE" }),
  host_invalid: () => raw(head(["Host: a b"])),
  path_ambiguous: () => ask("/open%2Fhub/"),
  prefix_unknown: async () => {
    // The default virtual proxy has every other prefix, as long as it is linked.
    const qrs = new Qrs(site.gateway);
    const proxy = (await qrs.expect(200, "GET", "proxyservice/full"))[0];
    const { virtualProxies: all } = proxy.settings;
    const save = async (virtualProxies) => {
      const { modifiedDate } = (await qrs.expect(200, "GET", "proxyservice/full"))[0];
      await qrs.expect(200, "PUT", `proxyservice/${proxy.id}`, { ...proxy, modifiedDate, settings: { ...proxy.settings, virtualProxies } });
    };
    await save(all.filter((one) => one.prefix !== ""));
    const answer = await ask("/nobody/");
    await save(all);
    return answer;
  },
  origin_not_allowed: () => ask("/open/hub/", { headers: { origin: "https://evil.example" } }),
  csrf_token_invalid: async (page) => {
    const answer = await page.request.get(`${site.gateway.origin()}/jotgate/v1/sessions`, { headers: { accept: "application/json" } });
    return { text: await answer.text() };
  },
  credentials_missing: () => ask("/open/hub/"),
  token_malformed: () => withToken("open", "garbage"),
  token_truncated: () => withToken("open", token().slice(0, -100)),
  token_encrypted: () => withToken("open", `${token()}.x.y`),
  token_too_large: () => withToken("open", "A".repeat(21_830)),
  token_ambiguous: () => ask("/open/hub/", { headers: { authorization: [`Bearer ${token()}`, `Bearer ${token({ userId: "ann" })}`] } }),
  token_header_unsupported: () => withToken("open", unsigned({ alg: "RS256", crit: ["exp"] })),
  algorithm_not_allowed: () => withToken("open", unsigned({ alg: "HS256" })),
  key_not_found: () => withToken("keys", unsigned({ alg: "RS256", kid: "unknown" })),
  key_source_unavailable: () => withToken("silent", token({ aud: "us" })),
  signature_invalid: () => withToken("open", sign(claims(), rsaKey().privateKey)),
  token_expired: () => withToken("open", token({ exp: now() - 600 })),
  token_not_yet_valid: () => withToken("open", token({ nbf: now() + 600 })),
  token_issued_in_future: () => withToken("open", token({ iat: now() + 600, exp: now() + 900 })),
  token_lifetime_too_long: () => strict({ exp: now() + 9000 }),
  expiration_missing: () => strict({ exp: undefined }),
  issuer_mismatch: () => strict({ iss: "other" }),
  audience_mismatch: () => strict({ aud: "them" }),
  claim_missing: () => withToken("open", token({ userId: undefined })),
  claim_invalid: () => withToken("open", token({ userId: {} })),
  attribute_missing: () => strict({ group: undefined }),
  directory_not_allowed: () => withToken("open", token({ userDirectory: "INTERNAL" })),
  token_already_used: async () => {
    const text = token({ jti: "once" });
    await withToken("once", text);
    return withToken("once", text);
  },
  ticket_invalid: () => ask("/ticket/hub/?qlikTicket=nonsense"),
  token_revoked: async (page) => {
    const text = token({ userId: "revoked" });
    const answer = await page.request.post(`${site.gateway.origin()}/jotgate/v1/revocations`, {
      headers: { "x-jotgate-request": "1" }, data: { token: text },
    });
    expect(answer.status(), await answer.text()).toBe(201);
    return withToken("open", text);
  },
  api_key_invalid: () => ask("/jotgate/v1/sessions", { headers: bearer(`jotgate_${"A".repeat(43)}`) }),
  session_unknown: () => ask("/open/hub/", { headers: { cookie: `X-Qlik-Session-open=${"a".repeat(36)}` } }),
  session_expired: async () => {
    // Until it is swept away, a moment later.
    for (let attempt = 0; ; attempt += 1) {
      const first = await withToken("short", token({ exp: now() + 2, jti: `${attempt}` }));
      const headers = { cookie: cookie(first, "X-Qlik-Session-short") };
      for (;;) {
        const answer = await ask("/short/hub/", { headers });
        if (answer.status === 200) continue;
        if (attempt > 5 || JSON.parse(answer.text).reason === "session_expired") return answer;
        break;
      }
    }
  },
  user_blocked: () => withToken("open", token({ userId: "blocked" })),
  access_denied: () => ask("/open/qmc/", { headers: bearer(token()) }),
  sessions_exhausted: async () => {
    await withToken("few", token({ jti: "1" }));
    return withToken("few", token({ jti: "2" }));
  },
  rate_limited: async () => {
    for (;;) {
      const answer = await ask("/calm/hub/");
      if (answer.status === 429) return answer;
    }
  },
  sockets_exhausted: async () => {
    const first = await withToken("socket", token());
    const lines = Object.entries({ ...upgrade, cookie: cookie(first, "X-Qlik-Session-socket"), host: `localhost:${site.gateway.port}` });
    const text = ["GET /socket/app/ HTTP/1.1", ...lines.map(([name, value]) => `${name}: ${value}`), "accept: application/json", "", ""].join("\r\n");
    const open = connect({ port: site.gateway.port, host: "127.0.0.1", servername: "localhost", ca: site.gateway.pem("root") });
    await new Promise((resolve, reject) => open.on("error", reject).once("data", resolve).write(text));
    const refused = await ask("/socket/app/", { headers: { ...upgrade, cookie: cookie(first, "X-Qlik-Session-socket") } });
    open.destroy();
    return refused;
  },
  overloaded: () => besides("narrow"),
  body_too_large: () => ask("/open/hub/", { method: "POST", headers: bearer(token()), body: "x".repeat(101) }),
  body_timeout: () => raw(head([`Host: localhost:${site.gateway.port}`, `Authorization: Bearer ${token()}`, "Content-Length: 50"]).replace("GET /open/hub/", "POST /open/never/")),
  node_unavailable: () => withToken("empty", token()),
  node_busy: () => besides("busy"),
  node_timeout: () => ask("/open/never/", { headers: bearer(token()) }),
  node_failed: () => ask("/open/broken/", { headers: bearer(token()) }),
};

test("the list is complete", () => {
  expect([...Object.keys(WAYS), ...Object.keys(ELSEWHERE)].sort()).toEqual([...REASONS].sort());
});

test("every reason is found by the reference that its client was shown", async ({ page }) => {
  test.setTimeout(240_000);
  await signIn(page, site.gateway);
  for (const [reason, way] of Object.entries(WAYS)) {
    const { text } = await way(page);
    expect(text, reason).toContain(`"reason"`);
    const answer = JSON.parse(text);
    expect.soft(answer.reason, text).toBe(reason);
    await page.goto(`${site.gateway.origin()}/qmc/requests?reference=${answer.reference}`);
    await expect.soft(page.locator("#why + .badge"), reason).toContainText(answer.reason);
    await expect.soft(page.getByText("What to do"), reason).toBeVisible();
  }
});
