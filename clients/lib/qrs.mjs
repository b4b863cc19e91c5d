// QRS as an administrator's script reaches it: client certificate, Xrfkey, user header.

import assert from "node:assert/strict";

import { request } from "./http.mjs";

const KEY = "0123456789abcdef";

export class Qrs {
  constructor(gateway) {
    this.gateway = gateway;
  }

  /** Sends a request; gives the answer whatever its status. */
  send(method, path, body, { headers = {}, xrfkey = KEY, ...tls } = {}) {
    const separator = path.includes("?") ? "&" : "?";
    const url = `https://localhost:${this.gateway.qrsPort}/qrs/${path}${separator}xrfkey=${xrfkey}`;
    return request(url, {
      method,
      headers: {
        "X-Qlik-Xrfkey": KEY,
        "X-Qlik-User": "UserDirectory=INTERNAL; UserId=sa_repository",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      ca: this.gateway.pem("root"),
      cert: this.gateway.pem("client"),
      key: this.gateway.pem("client_key"),
      ...tls,
    });
  }

  /** Sends a request that has to be answered with `status`; gives the JSON of the answer. */
  async expect(status, method, path, body) {
    const answer = await this.send(method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    return answer.text === "" ? undefined : JSON.parse(answer.text);
  }

  /** The whole virtual proxy with this prefix. */
  async virtualProxy(prefix) {
    const all = await this.expect(200, "GET", "virtualproxyconfig/full");
    const found = all.find((one) => one.prefix === prefix);
    assert.ok(found, `there is no virtual proxy ${prefix}`);
    return found;
  }

  /** Changes some fields of the virtual proxy with this prefix: reads it, and writes all of it. */
  async change(prefix, fields) {
    const now = await this.virtualProxy(prefix);
    return this.expect(200, "PUT", `virtualproxyconfig/${now.id}`, { ...now, ...fields });
  }
}
