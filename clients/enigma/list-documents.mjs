// A portal's script: gets the document list from an engine behind a virtual proxy with JWT
// authentication. Prints what happened as JSON; enigma.test.mjs judges it.
//
// Run it as PORTAL_HOST=localhost:8443 PORTAL_PREFIX=jwt PORTAL_KEY=key.pem node list-documents.mjs,
// with NODE_EXTRA_CA_CERTS naming the gateway's root certificate.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import enigma from "enigma.js";
import jwt from "jsonwebtoken";
import WebSocket from "ws";

const { PORTAL_HOST, PORTAL_PREFIX, PORTAL_KEY } = process.env;
const schema = createRequire(import.meta.url)("enigma.js/schemas/12.2027.0.json");

const claims = { directory: "EXAMPLE", user: "boz" };
const token = jwt.sign(claims, readFileSync(PORTAL_KEY), { algorithm: "RS256" });
const headers = { Authorization: `Bearer ${token}` };

const answer = await fetch(`https://${PORTAL_HOST}/${PORTAL_PREFIX}/qps/csrftoken`, { headers });
const csrfToken = answer.headers.get("qlik-csrf-token");

// The token stands in the path, behind an `&` without a `?`: that is how enigma.js' example does it.
const url = `wss://${PORTAL_HOST}/${PORTAL_PREFIX}/app/engineData&qlik-csrf-token=${csrfToken}`;
const session = enigma.create({
  schema,
  url,
  createSocket: (address) => new WebSocket(address, { headers }),
});
const sent = [];
const received = [];
session.on("traffic:sent", (message) => sent.push(message));
session.on("traffic:received", (message) => received.push(message));

const global = await session.open();
const documents = await global.getDocList();
const user = await global.getAuthenticatedUser();
const closed = new Promise((resolve) => session.on("closed", (event) => resolve(event.code)));
await session.close();
const code = await closed;

const csrf = { status: answer.status, token: csrfToken };
console.log(JSON.stringify({ csrf, sent, received, documents, user, code }));
