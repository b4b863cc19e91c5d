// One browser, Debian's; one worker: the tests share the machine with the gateways they start.

import { defineConfig } from "@playwright/test";

export default defineConfig({
  testMatch: "*.spec.mjs",
  outputDir: "../target/e2e",
  workers: 1,
  retries: 0,
  forbidOnly: true,
  reporter: "list",
  timeout: 120_000,
  globalTimeout: 15 * 60_000,
  expect: { timeout: 30_000 },
  use: {
    browserName: "chromium",
    ignoreHTTPSErrors: true,
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.JOTGATE_CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox", // Root cannot have one.
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        // Without these it looks for its maker's servers at every start.
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // Names that no name server knows: a portal and a gateway that are different sites.
        "--host-resolver-rules=MAP *.localtest 127.0.0.1",
      ],
    },
  },
});
