// RSA keys in PEM, and tokens signed with them.

import { createSign, generateKeyPairSync } from "node:crypto";

/** A fresh key pair as `{ publicKey, privateKey }` in PEM. */
export function rsaKey(modulusLength = 2048) {
  return generateKeyPairSync("rsa", {
    modulusLength,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
}

/** A compact RS256 token (RFC 7515) with `claims` and nothing else. */
export function sign(claims, privateKey) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const input = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}`;
  return `${input}.${createSign("RSA-SHA256").update(input).sign(privateKey, "base64url")}`;
}
