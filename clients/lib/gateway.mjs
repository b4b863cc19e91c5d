// The built gateway for a test: started on free ports with a data directory of its own, and ended
// with everything it left behind. JOTGATE_BINARY names another binary than the release build.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { request } from "./http.mjs";

const RELEASE = fileURLToPath(new URL("../../target/release/jotgate", import.meta.url));

export const binary = process.env.JOTGATE_BINARY ?? RELEASE;

/** A first start makes certificates with RSA keys, which takes its time on a busy machine. */
const PATIENCE_MILLIS = 60_000;

export class Gateway {
  #child;
  #listeners;
  #log = "";

  /**
   * Starts `jotgate demo`, or another command, and waits until it serves.
   * `flags` are added to the ones that choose the data directory and the ports.
   */
  static async start({ command = "demo", flags = [] } = {}) {
    const gateway = new Gateway(await mkdtemp(join(tmpdir(), "jotgate-test-")));
    try {
      await gateway.#run(command, flags);
    } catch (error) {
      await gateway.stop();
      throw error;
    }
    return gateway;
  }

  constructor(dataDir) {
    this.dataDir = dataDir;
  }

  async #run(command, flags) {
    const listeners = ["--listen", "--qrs-listen", "--qps-listen", "--observe-listen"];
    const ports = listeners.flatMap((flag) => [flag, "127.0.0.1:0"]);
    const child = spawn(binary, [command, "--data-dir", this.dataDir, ...ports, ...flags], {
      env: environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    process.once("exit", this.#kill);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => (this.#log += text));
    }
    const failed = new Promise((_, reject) => {
      child.once("error", (cause) => reject(new Error(`${binary} could not be started`, { cause })));
      child.once("exit", (code) => reject(new Error(`jotgate ended with ${code}:\n${this.#log}`)));
    });
    failed.catch(() => {}); // It ends some day, and then nobody waits any more.
    await Promise.race([failed, this.#ready()]);
  }

  async #ready() {
    const deadline = Date.now() + PATIENCE_MILLIS;
    while (Date.now() < deadline) {
      try {
        this.#listeners = JSON.parse(await readFile(join(this.dataDir, "run/listeners.json")));
        const { status } = await request(`http://${this.#listeners.observe}/readyz`);
        if (status === 200) return;
      } catch {
        // Not written yet, or not listening yet.
      }
      await sleep(20);
    }
    throw new Error(`jotgate was not ready after ${PATIENCE_MILLIS} ms:\n${this.#log}`);
  }

  /** The port of the gateway itself. */
  get port() {
    return portOf(this.#listeners.gateway[0]);
  }

  /** `https://localhost:PORT`, or the same with another name that leads here. */
  origin(host = "localhost") {
    return `https://${host}:${this.port}`;
  }

  get qrsPort() {
    return portOf(this.#listeners.qrs);
  }

  get qpsPort() {
    return portOf(this.#listeners.qps);
  }

  /** The path of one of the gateway's certificates or keys. */
  pemFile(name) {
    return join(this.dataDir, "certificates", `${name}.pem`);
  }

  /** The text of one of the gateway's certificates or keys. */
  pem(name) {
    return readFileSync(this.pemFile(name), "utf8");
  }

  /** A request to the gateway that trusts its certificate and nothing else. */
  request(path, options = {}) {
    return request(this.origin() + path, { ca: this.pem("root"), ...options });
  }

  /** What it printed. */
  get log() {
    return this.#log;
  }

  /** Ends it and removes its data directory. */
  async stop() {
    if (this.#child && this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, "exit");
      this.#kill();
      await ended;
    }
    process.removeListener("exit", this.#kill);
    await rm(this.dataDir, { recursive: true, force: true });
  }

  #kill = () => this.#child?.kill("SIGKILL");
}

/** Settings of the caller's environment would change what is tested; the binary refuses strange ones. */
export function environment() {
  const ours = ([name]) => !name.startsWith("JOTGATE_");
  return Object.fromEntries(Object.entries(process.env).filter(ours));
}

function portOf(address) {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}
