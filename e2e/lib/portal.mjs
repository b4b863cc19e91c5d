// A portal as its developer would write it: a small HTTPS server that knows who its user is, signs
// tokens for the gateway, and has the three pages through which a browser gets a session.

import { createServer } from "node:https";

import { sign } from "../../clients/lib/rsa.mjs";

export class Portal {
  #server;
  #claims;
  #gateway;

  /** What the sign-in page was asked for, each as `{ returnTo, state }`. */
  signIns = [];

  /** Whether the sign-in page posts its form by itself. */
  submits = true;

  /**
   * Starts it. `host` and `gatewayHost` are the names by which the browser knows the two; `claims` is
   * the user who is signed in at the portal.
   */
  static async start(gateway, { host = "localhost", gatewayHost = "localhost", claims } = {}) {
    const portal = new Portal();
    portal.#gateway = gateway;
    portal.#claims = claims ?? { userId: "boz", userDirectory: "example", email: "boz@example.com" };
    portal.gatewayOrigin = gateway.origin(gatewayHost);
    // Any certificate will do: the browser is told to ask no questions.
    const tls = { cert: gateway.pem("server"), key: gateway.pem("server_key") };
    portal.#server = createServer(tls, (request, response) => portal.#answer(request, response));
    await new Promise((resolve) => portal.#server.listen(0, "127.0.0.1", resolve));
    portal.origin = `https://${host}:${portal.#server.address().port}`;
    return portal;
  }

  /** A token for the user who is signed in at the portal. */
  token(claims = {}) {
    const now = Math.floor(Date.now() / 1000);
    const all = { ...this.#claims, iat: now, exp: now + 60, ...claims };
    return sign(all, this.#gateway.pem("server_key"));
  }

  stop() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request, response) {
    const url = new URL(request.url, this.origin);
    const html = (body) => {
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(`<!doctype html><html lang="en"><title>Portal</title>${body}</html>`);
    };
    switch (url.pathname) {
      case "/":
        return html(this.#mashup());
      case "/token":
        return response.end(this.token());
      case "/sign-in":
        return html(this.#signIn(url.searchParams));
      case "/embedded":
        return html(this.#embedded());
      default:
        return response.writeHead(404).end();
    }
  }

  /** A button that signs in by `fetch` and then goes to the hub. */
  #mashup() {
    return `<h1>Portal</h1><button id="open">Open analytics</button><output id="status"></output>
      <script type="module">
        ${this.#fetchSignIn()}
        document.getElementById("open").addEventListener("click", async () => {
          const status = await signIn();
          document.getElementById("status").textContent = status;
          if (status === "signed in") location.href = ${JSON.stringify(`${this.gatewayOrigin}/jwt/hub/`)};
        });
      </script>`;
  }

  /** Where the gateway sends browsers without a session: posts a token and goes back. */
  #signIn(query) {
    const asked = { returnTo: query.get("returnTo"), state: query.get("state") };
    this.signIns.push(asked);
    const field = (name, value) => `<input type="hidden" name="${name}" value="${escaped(value)}">`;
    const fields = Object.entries({ token: this.token(), ...asked }).map(([n, v]) => field(n, v ?? ""));
    return `<h1>Signing in…</h1>
      <form method="post" action="${this.gatewayOrigin}/jwt/jotgate/sign-in">${fields.join("")}</form>
      ${this.submits ? "<script>document.forms[0].submit();</script>" : ""}`;
  }

  /** The hub in a frame; signs in again when the frame says that it has no session. */
  #embedded() {
    return `<h1>Portal</h1>
      <iframe id="hub" title="Analytics" width="1000" height="700"></iframe>
      <script type="module">
        ${this.#fetchSignIn()}
        const frame = document.getElementById("hub");
        window.heard = [];
        addEventListener("message", async (event) => {
          window.heard.push({ origin: event.origin, data: event.data });
          if (event.origin !== ${JSON.stringify(this.gatewayOrigin)} || window.deaf) return;
          if (event.data?.type === "jotgate:sign-in-required" && await signIn() === "signed in") load();
        });
        const load = () => { frame.src = ${JSON.stringify(`${this.gatewayOrigin}/jwt/hub/`)}; };
        window.deaf = new URLSearchParams(location.search).has("deaf");
        Object.assign(window, { load, signIn });
        load();
      </script>`;
  }

  #fetchSignIn() {
    return `async function signIn() {
      const token = await (await fetch("/token")).text();
      try {
        const response = await fetch(${JSON.stringify(`${this.gatewayOrigin}/jwt/qps/csrftoken`)}, {
          headers: { authorization: "Bearer " + token },
          credentials: "include",
        });
        return response.ok && response.headers.get("qlik-csrf-token") ? "signed in" : "refused: " + response.status;
      } catch (error) {
        return "blocked: " + error.message;
      }
    }`;
  }
}

function escaped(text) {
  const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (character) => entities[character]);
}
