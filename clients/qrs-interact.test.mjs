// qrs-interact 6.3 as an administrator's script uses it: a virtual proxy's whole life, with a user
// on it who must not notice that it is being changed. The tests build on each other, in their order.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import jwt from "jsonwebtoken";
import QrsInteract from "qrs-interact";
import WebSocket from "ws";

import { Gateway } from "./lib/gateway.mjs";
import { bearer, cookie } from "./lib/http.mjs";
import { rsaKey } from "./lib/rsa.mjs";

const COOKIE = "X-Qlik-Session-portal";
const MISSING = "Could not authenticate the request: Expected an authentication header.";

describe("qrs-interact", () => {
  let gateway, qrs, proxyId, virtualProxy, session, socket;
  const portal = rsaKey();
  const token = () =>
    jwt.sign({ sub: "ana", tenant: "SALES" }, portal.privateKey, {
      algorithm: "RS512",
      expiresIn: "5m",
    });

  before(async () => {
    gateway = await Gateway.start();
    qrs = new QrsInteract({
      hostname: "localhost",
      portNumber: gateway.qrsPort,
      certificates: { certFile: gateway.pemFile("client"), keyFile: gateway.pemFile("client_key") },
    });
  });
  after(async () => {
    socket?.terminate();
    await gateway?.stop();
  });

  const hub = (headers) => gateway.request("/portal/hub/", { headers });

  it("reads what is there", async () => {
    const about = await qrs.Get("about");
    assert.match(about.body.buildVersion, /^\d+\.\d+\.\d+/);
    const all = await qrs.Get("virtualproxyconfig/full");
    assert.deepEqual(all.body.map((one) => one.prefix).sort(), ["", "jwt"]);
    const count = await qrs.Get("virtualproxyconfig/count");
    assert.deepEqual(count.body, { value: 2 });
  });

  it("creates a virtual proxy", async () => {
    const all = await qrs.Get("virtualproxyconfig/full");
    const sample = all.body.find((one) => one.prefix === "jwt");
    const created = await qrs.Post(
      "virtualproxyconfig",
      {
        prefix: "portal",
        description: "The portal",
        sessionCookieHeaderName: COOKIE,
        authenticationMethod: 4,
        jwtPublicKeyCertificate: portal.publicKey,
        jwtAttributeUserId: "sub",
        jwtAttributeUserDirectory: "tenant",
        loadBalancingServerNodes: sample.loadBalancingServerNodes.map(({ id }) => ({ id })),
      },
      "json",
    );
    assert.equal(created.statusCode, 201);
    virtualProxy = created.body;
    assert.equal(virtualProxy.sessionInactivityTimeout, 30);
    assert.equal(virtualProxy.schemaPath, "VirtualProxyConfig");
    assert.match(virtualProxy.modifiedDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it("cannot use it before it is linked", async () => {
    const { status, text } = await hub(bearer(token()));
    assert.equal(status, 400);
    assert.match(text, /The http request header is incorrect/);
  });

  it("is refused a second one with the same prefix or the same cookie", async () => {
    for (const fields of [
      { prefix: "portal", sessionCookieHeaderName: "X-Qlik-Session-other" },
      { prefix: "other", sessionCookieHeaderName: COOKIE },
    ]) {
      await assert.rejects(qrs.Post("virtualproxyconfig", fields, "json"), /Received error code: 4\d\d::/);
    }
  });

  it("links it to the proxy", async () => {
    const list = await qrs.Get("proxyservice");
    assert.equal(list.body.length, 1);
    proxyId = list.body[0].id;
    const proxy = (await qrs.Get(`proxyservice/${proxyId}`)).body;
    proxy.settings.virtualProxies.push(virtualProxy);
    const linked = await qrs.Put(`proxyservice/${proxyId}`, proxy);
    assert.equal(linked.statusCode, 200);
    const prefixes = linked.body.settings.virtualProxies.map((one) => one.prefix).sort();
    assert.deepEqual(prefixes, ["", "jwt", "portal"]);
  });

  it("uses it at once", async () => {
    const without = await hub({});
    assert.equal(without.status, 401);
    assert.ok(without.text.includes(MISSING), without.text);
    assert.match(without.headers["www-authenticate"], /^Bearer/);

    const signedIn = await hub(bearer(token()));
    assert.equal(signedIn.status, 200);
    assert.match(signedIn.text, /Hello, <span class="who">ana<\/span>/);
    session = cookie(signedIn, COOKIE);
    assert.ok(session, "a session cookie is set");

    const again = await hub({ cookie: session });
    assert.equal(again.status, 200);
    assert.match(again.text, /Hello, <span class="who">ana<\/span>/);
    assert.equal(cookie(again, COOKIE), undefined, "the cookie is set once");
  });

  it("refuses an invalid token although the cookie is good", async () => {
    const { status } = await hub({ cookie: session, ...bearer(`${token().slice(0, -8)}AAAAAAAA`) });
    assert.equal(status, 401);
    assert.equal((await hub({ cookie: session })).status, 200, "the session goes on");
  });

  it("changes it while its session and its socket go on", async () => {
    socket = await openSocket(session);
    virtualProxy = (await qrs.Get(`virtualproxyconfig/${virtualProxy.id}`)).body;
    virtualProxy.description = "The portal, changed";
    virtualProxy.sessionInactivityTimeout = 45;
    const updated = await qrs.Put(`virtualproxyconfig/${virtualProxy.id}`, virtualProxy);
    assert.equal(updated.statusCode, 200);
    assert.equal(updated.body.description, "The portal, changed");
    assert.equal(updated.body.sessionInactivityTimeout, 45);
    assert.notEqual(updated.body.modifiedDate, virtualProxy.modifiedDate);

    assert.equal((await hub({ cookie: session })).status, 200);
    assert.equal(await ask(socket, "EngineVersion"), "object");
  });

  it("is told of a conflict when somebody else saved in between", async () => {
    // `virtualProxy` is what was read before the save above: its modifiedDate is older now.
    const late = { ...virtualProxy, description: "too late" };
    await assert.rejects(qrs.Put(`virtualproxyconfig/${late.id}`, late), /Received error code: 409::/);
    const now = await qrs.Get(`virtualproxyconfig/${late.id}`);
    assert.equal(now.body.description, "The portal, changed");
  });

  it("deletes it: 204, its sessions and sockets end, its prefix is unknown", async () => {
    const closed = new Promise((resolve) => socket.on("close", resolve));
    const deleted = await qrs.Delete(`virtualproxyconfig/${virtualProxy.id}`);
    assert.equal(deleted.statusCode, 204);
    const late = sleep(1000, "still open after a second", { ref: false });
    assert.notEqual(await Promise.race([closed, late]), "still open after a second");

    assert.equal((await hub({ cookie: session })).status, 400);
    const proxy = await qrs.Get(`proxyservice/${proxyId}`);
    const prefixes = proxy.body.settings.virtualProxies.map((one) => one.prefix).sort();
    assert.deepEqual(prefixes, ["", "jwt"]);
  });

  function openSocket(sessionCookie) {
    const url = `wss://localhost:${gateway.port}/portal/app/engineData`;
    const opened = new WebSocket(url, {
      ca: gateway.pem("root"),
      headers: { cookie: sessionCookie },
    });
    return new Promise((resolve, reject) => {
      opened.once("open", () => resolve(opened));
      opened.once("error", reject);
    });
  }

  /** Calls a method of the engine; gives the type of its result. */
  function ask(on, method) {
    return new Promise((resolve, reject) => {
      on.on("message", (data) => {
        const message = JSON.parse(data);
        if (message.id === 7) resolve(typeof message.result);
      });
      on.once("close", (code) => reject(new Error(`the socket was closed with ${code}`)));
      on.send(JSON.stringify({ jsonrpc: "2.0", id: 7, handle: -1, method, params: [] }));
    });
  }
});
