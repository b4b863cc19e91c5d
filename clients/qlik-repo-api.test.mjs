// qlik-repo-api 0.15 through a virtual proxy that allows administration, signed in with a token of a
// RootAdmin and nothing else: no client certificate, no other port. The tests build on each other.

import assert from "node:assert/strict";
import https from "node:https";
import { after, before, describe, it } from "node:test";

import { QlikRepoApi } from "qlik-repo-api";

import { Gateway } from "./lib/gateway.mjs";
import { bearer } from "./lib/http.mjs";
import { Qrs } from "./lib/qrs.mjs";
import { rsaKey, sign } from "./lib/rsa.mjs";

describe("qlik-repo-api through a virtual proxy", () => {
  let gateway, repo, virtualProxy;
  const portal = rsaKey();

  before(async () => {
    gateway = await Gateway.start();
    const qrs = new Qrs(gateway);
    const ana = { userDirectory: "example", userId: "ana", roles: ["RootAdmin"] };
    await qrs.expect(201, "POST", "user", ana);
    await qrs.change("jwt", { allowAdministration: true });
    // A node that has no repository of its own.
    const [node] = await qrs.expect(200, "GET", "servernodeconfiguration/full");
    const services = [{ ...node.services[0], path: "/hub" }];
    await qrs.expect(200, "PUT", `servernodeconfiguration/${node.id}`, { ...node, services });
    repo = as("ana");
  });
  after(() => gateway?.stop());

  const as = (userId) =>
    new QlikRepoApi.client({
      host: "localhost",
      port: gateway.port,
      proxy: "jwt",
      httpsAgent: new https.Agent({ ca: gateway.pem("root") }),
      authentication: {
        token: sign({ userId, userDirectory: "example" }, gateway.pem("server_key")),
      },
    });
  const prefixes = (all) => all.map((one) => one.details.prefix).sort();

  it("reads what the interface says of itself", async () => {
    assert.match((await repo.about.get()).buildVersion, /^\d+\.\d+\.\d+/);
    const enums = Object.values(await repo.about.enums());
    const usage = "VirtualProxyConfig.authenticationMethod";
    const methods = enums.find(({ usages }) => usages.includes(usage));
    assert.ok(methods.values.includes("4: JWT"), methods.values.join("\n"));
    const link = "ProxyService.Settings.virtualProxies > VirtualProxyConfig";
    const relations = await repo.about.apiRelations();
    assert.ok(relations.includes(link), relations.join("\n"));
    assert.ok((await repo.about.openApi()).includes("Repository Main API"));
    assert.ok((await repo.about.apiDescription()).some((line) => line.includes("/virtualproxyconfig")));
  });

  it("creates a virtual proxy on a node that it names by its host, and links it", async () => {
    const [node] = await repo.nodes.getAll();
    virtualProxy = await repo.virtualProxies.create({
      prefix: "portal",
      description: "The portal",
      sessionCookieHeaderName: "X-Qlik-Session-portal",
      authenticationMethod: "JWT",
      jwtPublicKeyCertificate: portal.publicKey,
      jwtAttributeUserId: "sub",
      jwtAttributeUserDirectory: "tenant",
      jwtAttributeMap: ["group=groups"],
      loadBalancingServerNodes: [node.details.hostName],
      tags: [],
    });
    assert.deepEqual(prefixes(await repo.virtualProxies.getAll()), ["", "jwt", "portal"]);

    const [proxy] = await repo.proxies.getAll();
    await repo.proxies.add({ proxyId: proxy.details.id, virtualProxyId: virtualProxy.details.id });
    const token = sign({ sub: "boz", tenant: "SALES", groups: ["a"] }, portal.privateKey);
    const answer = await gateway.request("/portal/hub/", { headers: bearer(token) });
    assert.equal(answer.status, 200, answer.text);
  });

  it("finds and changes it", async () => {
    const [found] = await repo.virtualProxies.getFilter({ filter: "prefix eq 'portal'" });
    assert.equal(found.details.id, virtualProxy.details.id);
    virtualProxy = await repo.virtualProxies.get({ id: found.details.id });
    const saved = await virtualProxy.update({ description: "The portal, changed" });
    assert.equal(saved.description, "The portal, changed");
    assert.equal(saved.jwtAttributeMap[0].jwtAttribute, "groups");
  });

  it("marks it with tags", async () => {
    await repo.tags.createMany({ names: ["live", "internal"] });
    await repo.tags.create({ name: "live" });
    assert.equal((await repo.tags.getAll()).length, 2);
    const saved = await virtualProxy.update({ tags: ["live"] });
    assert.deepEqual(saved.tags.map((tag) => tag.name), ["live"]);
    const [tagged] = await repo.virtualProxies.getFilter({ filter: "tags.name eq 'live'" });
    assert.equal(tagged.details.prefix, "portal");
  });

  it("makes, changes and removes users", async () => {
    const user = await repo.users.create({ userId: "cem", userDirectory: "example", name: "Cem" });
    assert.equal(user.details.name, "Cem");
    await user.update({ roles: ["AuditAdmin"] });
    const filter = "userId eq 'cem' and userDirectory eq 'EXAMPLE'";
    const [found] = await repo.users.getFilter({ filter });
    assert.deepEqual(found.details.roles, ["AuditAdmin"]);
    assert.deepEqual(await repo.users.removeFilter({ filter }), [{ id: user.details.id, status: 204 }]);
  });

  it("asks for a table, a selection and the state of services", async () => {
    const columns = [{ name: "prefix", columnType: "Property", definition: "prefix" }];
    const table = await repo.table.create({ type: "virtualproxyconfig", columns, sortColumn: "prefix" });
    assert.deepEqual(table.data.rows.map((row) => row.prefix), ["", "jwt", "portal"]);
    const area = "virtualproxyconfig";
    const selection = await repo.selections.create({ area, filter: "prefix eq 'portal'" });
    assert.equal((await selection.data({ path: `${area}/count` })).value, 1);
    assert.equal(await selection.remove(), 204);
    assert.equal((await repo.serviceStatus.getAll()).length, 1);
  });

  it("removes it", async () => {
    assert.equal(await virtualProxy.remove(), 204);
    assert.deepEqual(prefixes(await repo.virtualProxies.getAll()), ["", "jwt"]);
  });

  it("refuses a user without a role", async () => {
    await assert.rejects(as("boz").virtualProxies.getAll(), /403/);
  });
});
