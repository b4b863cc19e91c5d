// A backend that greets whom the gateway names.

import { createServer } from "node:http";

/** Starts it; gives `{ origin, stop }`. */
export async function startBackend() {
  const server = createServer((request, response) => {
    const user = /UserId=([^;]+)/.exec(request.headers["x-qlik-user"] ?? "")?.[1] ?? "nobody";
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(`<!doctype html><html lang="en"><title>Backend</title><p>The backend knows ${user}.</p></html>`);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
