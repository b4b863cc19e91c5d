// A portal with the page that the console gives to copy, and a server that signs tokens.

import { createServer } from "node:https";

import { sign } from "../../clients/lib/rsa.mjs";

export class EmbeddingPortal {
  #server;

  /** The page, and the private key in PEM that signs its tokens. */
  page = "";
  key = "";

  /** Starts it at `https://NAME.localtest`, another site than the gateway's. */
  static async start(gateway, name) {
    const portal = new EmbeddingPortal();
    // Any certificate will do: the browser is told to ask no questions.
    const tls = { cert: gateway.pem("server"), key: gateway.pem("server_key") };
    portal.#server = createServer(tls, (request, response) => portal.#answer(request, response));
    await new Promise((resolve) => portal.#server.listen(0, "127.0.0.1", resolve));
    portal.origin = `https://${name}.localtest:${portal.#server.address().port}`;
    return portal;
  }

  #answer(request, response) {
    if (request.url === "/token") {
      const now = Math.floor(Date.now() / 1000);
      const claims = { userId: "portia", userDirectory: "example", iat: now, exp: now + 60 };
      return response.end(sign(claims, this.key));
    }
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(this.page);
  }

  stop() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }
}
