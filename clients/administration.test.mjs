// qrs-interact through a virtual proxy that allows administration, for a user who has a role.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import QrsInteract from "qrs-interact";

import { Gateway } from "./lib/gateway.mjs";
import { bearer } from "./lib/http.mjs";
import { Qrs } from "./lib/qrs.mjs";
import { sign } from "./lib/rsa.mjs";

describe("qrs-interact through a virtual proxy", () => {
  let gateway;

  before(async () => {
    gateway = await Gateway.start();
    const qrs = new Qrs(gateway);
    const ana = { userDirectory: "example", userId: "ana", roles: ["SecurityAdmin"] };
    await qrs.expect(201, "POST", "user", ana);
    await qrs.change("jwt", { allowAdministration: true });
  });
  after(() => gateway?.stop());

  const as = (userId) => {
    const token = sign({ userId, userDirectory: "example" }, gateway.pem("server_key"));
    return new QrsInteract({
      hostname: "localhost",
      portNumber: gateway.port,
      virtualProxyPrefix: "jwt",
      certificates: { certFile: gateway.pemFile("client"), keyFile: gateway.pemFile("client_key") },
      headers: { Authorization: bearer(token).authorization },
    });
  };

  it("serves a user with a role", async () => {
    const found = await as("ana").Get("virtualproxyconfig/full?filter=prefix eq 'jwt'");
    assert.equal(found.body[0].prefix, "jwt");
    const users = await as("ana").Get("user/count");
    assert.ok(users.body.value >= 1);
  });

  it("refuses one without", async () => {
    await assert.rejects(as("boz").Get("virtualproxyconfig"), /Received error code: 403::/);
  });
});
