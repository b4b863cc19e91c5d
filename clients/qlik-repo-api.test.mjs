// qlik-repo-api 0.15 with an administrator's certificate: its main calls for virtual proxies, in
// their order. The package is as it was published.

import assert from "node:assert/strict";
import https from "node:https";
import { after, before, describe, it } from "node:test";

import { QlikRepoApi } from "qlik-repo-api";

import { Gateway } from "./lib/gateway.mjs";
import { rsaKey } from "./lib/rsa.mjs";

describe("qlik-repo-api", () => {
  let gateway, api, created;
  const portal = rsaKey();

  before(async () => {
    gateway = await Gateway.start();
    const httpsAgent = new https.Agent({
      ca: gateway.pem("root"),
      cert: gateway.pem("client"),
      key: gateway.pem("client_key"),
    });
    api = new QlikRepoApi.client({
      host: "localhost",
      port: gateway.qrsPort,
      httpsAgent,
      authentication: { user_dir: "INTERNAL", user_name: "sa_repository" },
    });
  });
  after(() => gateway?.stop());

  it("asks what it speaks to", async () => {
    const about = await api.about.get();
    assert.match(about.buildVersion, /^\d+\.\d+\.\d+/);
    const enums = await api.about.enums();
    const methods = Object.values(enums).find((one) =>
      one.usages.includes("VirtualProxyConfig.authenticationMethod"),
    );
    assert.ok(methods.values.includes("4: JWT"));
  });

  it("makes tags and custom properties", async () => {
    const tag = await api.tags.create({ name: "portal" });
    assert.equal(tag.details.name, "portal");
    const property = await api.customProperties.create({
      name: "Team",
      choiceValues: ["sales", "finance"],
      objectTypes: ["VirtualProxyConfig"],
    });
    assert.equal(property.details.valueType, "Text");
  });

  it("creates a virtual proxy with both", async () => {
    const node = (await api.nodes.getAll())[0];
    created = await api.virtualProxies.create({
      prefix: "portal",
      description: "The portal",
      sessionCookieHeaderName: "X-Qlik-Session-portal",
      authenticationMethod: "JWT",
      jwtPublicKeyCertificate: portal.publicKey,
      jwtAttributeUserId: "sub",
      jwtAttributeUserDirectory: "[PORTAL]",
      jwtAttributeMap: ["email=mail"],
      loadBalancingServerNodes: [node.details.hostName],
      tags: ["portal"],
      customProperties: ["Team=sales"],
    });
    assert.equal(created.details.authenticationMethod, 4);
    const now = await api.virtualProxies.get({ id: created.details.id });
    assert.deepEqual(now.details.tags.map((tag) => tag.name), ["portal"]);
    assert.equal(now.details.customProperties[0].definition.name, "Team");
    assert.equal(now.details.jwtAttributeMap[0].senseAttribute, "email");
  });

  it("finds it by filters", async () => {
    for (const filter of ["prefix eq 'portal'", "tags.name eq 'portal'", "@Team eq 'sales'"]) {
      const found = await api.virtualProxies.getFilter({ filter });
      assert.deepEqual(found.map((one) => one.details.prefix), ["portal"], filter);
    }
    assert.equal((await api.virtualProxies.getAll()).length, 3);
    const selection = await api.virtualProxies.select({ filter: "prefix eq 'portal'" });
    assert.equal(selection.items[0].objectID, created.details.id);
  });

  it("changes it", async () => {
    await created.update({ description: "Changed", additionalResponseHeaders: "X-Frame-Options: DENY" });
    const now = await api.virtualProxies.get({ id: created.details.id });
    assert.equal(now.details.additionalResponseHeaders, "X-Frame-Options: DENY");
    assert.equal(now.details.description, "Changed");
    assert.equal(now.details.jwtPublicKeyCertificate, created.details.jwtPublicKeyCertificate);
  });

  it("links it by its own way of changing a proxy", async () => {
    const proxy = (await api.proxies.getAll())[0];
    await api.proxies.add({ proxyId: proxy.details.id, virtualProxyId: created.details.id });
    const now = await api.proxies.get({ id: proxy.details.id });
    const ids = now.details.settings.virtualProxies.map((one) => one.id);
    assert.ok(ids.includes(created.details.id), JSON.stringify(ids));
  });

  it("removes it", async () => {
    const removed = await api.virtualProxies.removeFilter({ filter: "prefix eq 'portal'" });
    assert.equal(removed[0].status, 204);
    assert.equal((await api.virtualProxies.getAll()).length, 2);
  });
});
