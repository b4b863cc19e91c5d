// How long the console takes with 1,000 virtual proxies, as a table: from the request to the last byte of the page, over
// loopback, on one connection that stays open. `cargo xtask bench console` runs it, and fails when a page is too slow.
//
// It follows the links, as screenshots.mjs does: a page that is new is measured without another line here.

import { execFile } from "node:child_process";
import { generateKeyPairSync, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { Agent } from "node:https";
import { join } from "node:path";
import { promisify } from "node:util";

import { binary, environment, Gateway } from "../clients/lib/gateway.mjs";

const VIRTUAL_PROXIES = 1000;
const NODES = 50;
/** Each has a session, and is a user. */
const USERS = 3000;
const REVISIONS = 10;
const TIMES = 100;
/** How many are asked for first, and not counted. */
const WARM_UP = 5;
const LIMIT_MILLIS = 20;

/** Pages that a form leads to. */
const HIDDEN = [
  "/qmc/sessions?user=user-17",
  "/qmc/search?q=portal",
  "/qmc/history/compare?from=1&to=5",
  "/qmc/history/3/restore",
  "/qmc/history/1/restore",
  "/qmc/virtual-proxies?rows=500&sort=tags",
  "/qmc/live/sessions",
  "/qmc/live/requests",
];

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let gateway;

/** Sends a request over the one connection. */
const send = (path, options = {}) => gateway.request(path, { agent, ...options });

/** The command line, against this gateway. Not waited for with the thread, which reads the gateway's log meanwhile. */
const jotgate = (...parameters) =>
  promisify(execFile)(binary, parameters, { env: { ...environment(), JOTGATE_DATA_DIR: gateway.dataDir } });

/** The first administrator, with the form of the set-up link. Gives the cookie. */
async function setUp() {
  while (!gateway.log.includes("/qmc/setup?token=")) await new Promise((resolve) => setTimeout(resolve, 20));
  const form = await send(/\/qmc\/setup\?token=\S+/.exec(gateway.log)[0]);
  const hidden = [...form.text.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)];
  const password = "correct horse battery";
  const fields = { ...Object.fromEntries(hidden.map(([, name, value]) => [name, value])), userId: "anna", password, again: password };
  const answer = await send("/qmc/setup", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", cookie: cookies(form) },
    body: new URLSearchParams(fields).toString(),
  });
  if (answer.status !== 303) throw new Error(`the administrator was not made: ${answer.status} ${answer.text}`);
  return cookies(answer);
}

const cookies = (answer) => answer.headers["set-cookie"].map((line) => line.split(";")[0]).join("; ");

/** Virtual proxies, each with a key of its own and on the first proxy, in one save, and some more saves. */
async function configure(keys) {
  const file = join(gateway.dataDir, "site.toml");
  await jotgate("export", file);
  const list = (names) => JSON.stringify(names);
  const nodes = Array.from({ length: NODES }, (_, at) => `engine-${at}`);
  const node = (name) => `
[[node]]
name = "${name}"
hostName = "${name}.example.com"
services = [{ path = "/", uri = "http://127.0.0.1:9" }]
`;
  const tags = ["production", "external", "on trial"];
  const virtualProxy = (key, at) => `
[[virtualProxy]]
prefix = "p${at}"
description = "Portal ${at}"
sessionCookieHeaderName = "X-Qlik-Session-${at}"
authenticationMethod = "JWT"
jwtAlgorithms = ["ES256"]
jwtAttributeUserId = "userId"
jwtAttributeUserDirectory = "[example]"
jwtPublicKeyCertificate = """
${key.publicKey}"""
loadBalancingServerNodes = ${list([nodes[at % NODES], nodes[(at + 7) % NODES]])}
websocketCrossOriginWhiteList = ["portal-${at}.example.com"]
tags = ${list([tags[at % 3]])}
`;
  const linked = list(["/", ...keys.map((_, at) => `p${at}`)]);
  const site = readFileSync(file, "utf8").replace(/^virtualProxies = \[[^\]]*\]/m, `virtualProxies = ${linked}`);
  const tag = (name) => `\n[[tag]]\nname = "${name}"\n`;
  const whole = [site, ...tags.map(tag), ...nodes.map(node), ...keys.map(virtualProxy)].join("");
  for (let at = 0; at < REVISIONS; at += 1) {
    writeFileSync(file, whole.replace(/Portal 17"/, `Portal 17, changed ${at} times"`));
    await jotgate("apply", file, "--note", `change ${at}`);
  }
}

/** A session for each user, spread over the virtual proxies. Nobody serves them: who comes in is answered 502. */
async function signIn(keys) {
  const exp = Math.floor(Date.now() / 1000) + 600;
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  for (let at = 0; at < USERS; at += 1) {
    const input = `${part({ alg: "ES256", typ: "JWT" })}.${part({ userId: `user-${at}`, exp })}`;
    const key = { key: keys[at % keys.length].privateKey, dsaEncoding: "ieee-p1363" };
    const authorization = `Bearer ${input}.${sign("sha256", input, key).toString("base64url")}`;
    const { status, text } = await send(`/p${at % keys.length}/hub/`, { headers: { authorization } });
    if (status === 401) throw new Error(`a token was refused: ${text}`);
  }
}

/** One address for each kind of page: ids and numbers in an address do not make another page. */
function kindOf(path) {
  const parts = path.split("/").filter(Boolean).slice(1);
  return parts.map((part) => (/[0-9A-Z]/.test(part) ? "one" : part)).join("/");
}

/** Every page, found by its links. */
async function findPages(get) {
  const found = new Map();
  const queue = ["/qmc/"];
  while (queue.length) {
    const address = queue.shift();
    const kind = kindOf(address.split("?")[0]);
    if (found.has(kind)) continue;
    const { status, headers, text } = await get(address);
    if (status !== 200 || !headers["content-type"]?.startsWith("text/html")) continue;
    found.set(kind, address);
    for (const [, link] of text.matchAll(/<a [^>]*href="([^"#]*)/g)) {
      const { pathname, search } = new URL(link.replaceAll("&amp;", "&"), gateway.origin() + address);
      if (pathname.startsWith("/qmc/")) queue.push(pathname + search);
    }
  }
  return [...found.values(), ...HIDDEN];
}

/** Milliseconds and bytes of a page: `{ median, most, bytes }`. */
async function measure(get, address) {
  const times = [];
  let bytes = 0;
  for (let time = 0; time < WARM_UP + TIMES; time += 1) {
    const begun = performance.now();
    const { status, text } = await get(address);
    times.push(performance.now() - begun);
    if (status !== 200 && status !== 204) throw new Error(`${address}: ${status}`);
    bytes = Buffer.byteLength(text);
  }
  const counted = times.slice(WARM_UP).sort((a, b) => a - b);
  return { median: counted[TIMES / 2], most: counted[Math.floor(TIMES * 0.99) - 1], bytes };
}

async function main() {
  gateway = await Gateway.start({ command: "serve" });
  try {
    const cookie = await setUp();
    const get = (path) => send(path, { headers: { cookie, accept: "text/html" } });
    const pem = { publicKeyEncoding: { type: "spki", format: "pem" }, privateKeyEncoding: { type: "pkcs8", format: "pem" } };
    const keys = Array.from({ length: VIRTUAL_PROXIES }, () => generateKeyPairSync("ec", { namedCurve: "P-256", ...pem }));
    await configure(keys);
    await signIn(keys);
    console.log(`${VIRTUAL_PROXIES} virtual proxies, each with a key of its own, ${NODES} nodes, ${USERS} users with a session`);
    console.log(`${"median".padStart(8)} ${"99 of 100".padStart(10)}    bytes   (milliseconds, ${TIMES} times)`);
    const slow = [];
    for (const address of await findPages(get)) {
      const { median, most, bytes } = await measure(get, address);
      console.log(`${median.toFixed(1).padStart(8)} ${most.toFixed(1).padStart(10)} ${String(bytes).padStart(8)}   ${address}`);
      if (median > LIMIT_MILLIS) slow.push(address);
    }
    if (slow.length) {
      console.log(`\nThese take more than ${LIMIT_MILLIS} ms: ${slow.join(" ")}`);
      process.exitCode = 1;
    }
  } finally {
    agent.destroy();
    await gateway.stop();
  }
}

await main();
