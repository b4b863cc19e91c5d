// One HTTP request on one connection, with nothing added that the caller did not ask for.

import http from "node:http";
import https from "node:https";

/** Sends a request; gives `{ status, headers, text }`. TLS options such as `ca` and `cert` pass. */
export function request(url, { method = "GET", headers = {}, body, ...tls } = {}) {
  const client = url.startsWith("https:") ? https : http;
  return new Promise((resolve, reject) => {
    const sent = client.request(url, { method, headers, agent: false, timeout: 30_000, ...tls });
    sent.on("timeout", () => sent.destroy(new Error(`${method} ${url}: no answer in 30 s`)));
    sent.on("error", reject);
    sent.on("response", (response) => {
      const chunks = [];
      response.on("error", reject);
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        resolve({ status: response.statusCode, headers: response.headers, text });
      });
    });
    sent.end(body);
  });
}

/** `Authorization` with a token. */
export const bearer = (token) => ({ authorization: `Bearer ${token}` });

/** The value of the cookie `name` that an answer sets, as `name=value` for a `Cookie` header. */
export function cookie(answer, name) {
  const set = (answer.headers["set-cookie"] ?? []).find((line) => line.startsWith(`${name}=`));
  return set?.split(";")[0];
}
