// The hub page's behaviour: the session's remaining time, log-out, and the engine panel.
// Everything that comes from outside enters the page as text, never as markup.
"use strict";

(() => {
  const base = document.body.dataset.base;
  const byId = (id) => document.getElementById(id);
  if (!byId("countdown")) return; // Nobody is signed in: there is nothing to do.

  const POLL_MILLIS = 15000;
  const LOW_SECONDS = 120;
  const LOG_LIMIT = 200;

  // --- Notices -------------------------------------------------------------------------------

  function notice(text, tone) {
    const box = byId("notice");
    box.textContent = text;
    box.dataset.tone = tone || "";
    box.hidden = false;
  }

  let ended = false;

  /** The session is over: nothing on the page goes on pretending. */
  function endSession(text, tone) {
    if (ended) return;
    ended = true;
    session.stop();
    engine.stop();
    byId("log-out").hidden = true;
    byId("eyebrow").textContent = "Signed out";
    byId("session-state").textContent = "This session has ended. The facts below are from when the page was opened.";
    notice(`${text} `, tone);
    const again = element("a", "", "Open the hub again");
    again.href = `${base}/hub/`;
    byId("notice").append(again);
    byId("notice").focus();
  }

  // --- Session -------------------------------------------------------------------------------

  const session = (() => {
    let deadline = 0;
    let span = 1;
    let ticker = 0;
    let poller = 0;
    let asking = false;
    let lastAnnounced = "";

    async function poll() {
      if (ended || asking) return;
      asking = true;
      try {
        const response = await fetch(`${base}/jotgate/session`, { headers: { accept: "application/json" } });
        if (ended) return;
        if (response.status === 401) endSession("Your session has expired.", "bad");
        else if (response.ok) show(await response.json());
        else hide();
      } catch {
        hide(); // Offline, or no JSON: say nothing rather than something wrong.
      } finally {
        asking = false;
      }
    }

    function show(facts) {
      const remaining = Number(facts.remainingSeconds);
      if (!Number.isFinite(remaining)) return hide();
      deadline = performance.now() + remaining * 1000;
      span = Math.max(Number(facts.idleTimeoutSeconds) || 0, remaining, 1);
      const ends = new Date(Date.now() + remaining * 1000);
      const clock = ends.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
      const idle = Number(facts.idleTimeoutSeconds);
      byId("session-end").textContent = idle > 0
        ? `Ends at ${clock}. Any request renews it for up to ${duration(idle)}.`
        : `Ends at ${clock}.`;
      byId("countdown").hidden = false;
      clearInterval(ticker);
      ticker = setInterval(tick, 1000);
      tick();
    }

    function tick() {
      const left = Math.max(0, Math.round((deadline - performance.now()) / 1000));
      byId("remaining").textContent = stopwatch(left);
      byId("remaining-bar").value = Math.min(1, left / span);
      byId("countdown").toggleAttribute("data-low", left <= LOW_SECONDS);
      announce(left);
      if (left === 0) poll(); // The gateway decides whether it is over, not this clock.
    }

    /** Tells people who do not see the clock, once for each threshold. */
    function announce(left) {
      const text = left > LOW_SECONDS || left === 0 ? "" : left > 30
        ? "Less than two minutes are left." : "Less than 30 seconds are left.";
      if (text !== lastAnnounced) byId("session-state").textContent = text;
      lastAnnounced = text;
    }

    function hide() {
      clearInterval(ticker);
      byId("countdown").hidden = true;
      byId("session-state").textContent = "";
      lastAnnounced = "";
    }

    function start() {
      poll();
      poller = setInterval(poll, POLL_MILLIS);
      document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
    }

    function stop() {
      clearInterval(poller);
      hide();
    }

    return { start, stop };
  })();

  function stopwatch(seconds) {
    const two = (n) => String(n).padStart(2, "0");
    const h = Math.floor(seconds / 3600);
    const m = Math.floor(seconds / 60) % 60;
    return h > 0 ? `${h}:${two(m)}:${two(seconds % 60)}` : `${m}:${two(seconds % 60)}`;
  }

  function duration(seconds) {
    if (seconds < 60) return `${seconds} seconds`;
    const minutes = Math.round(seconds / 60);
    if (minutes === 1) return "one minute";
    return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
  }

  // --- CSRF token ----------------------------------------------------------------------------

  /** The token for sockets and state changes; empty when this gateway has none to give. */
  async function csrfToken() {
    const response = await fetch(`${base}/qps/csrftoken`);
    if (response.status === 401) endSession("Your session has expired.", "bad");
    return response.ok ? response.headers.get("qlik-csrf-token") || "" : "";
  }

  // --- Log-out -------------------------------------------------------------------------------

  let leaving = false;

  async function logOut() {
    if (leaving) return;
    leaving = true;
    try {
      const token = await csrfToken().catch(() => "");
      if (ended) return;
      const headers = token ? { "qlik-csrf-token": token } : {};
      const response = await fetch(`${base}/qps/user`, { method: "DELETE", headers });
      if (response.ok) endSession("You have been logged out.");
      else if (response.status === 401) endSession("Your session has expired.", "bad");
      else notice(`Logging out failed with status ${response.status}. Try again.`, "bad");
    } catch {
      notice("The gateway could not be reached, so you are still signed in.", "bad");
    } finally {
      leaving = false;
    }
  }

  // --- Engine --------------------------------------------------------------------------------

  const engine = (() => {
    const GOODBYES = {
      OnSessionLoggedOut: "You have been logged out.",
      OnSessionTimedOut: "Your session has expired.",
      OnSessionClosed: "Your session was closed by the server.",
    };
    const asked = new Map();
    let socket = null;
    let connecting = false;
    let nextId = 1;
    let count = 0;

    function state(name, text) {
      const pill = byId("engine-state");
      pill.dataset.state = name;
      pill.textContent = text;
      byId("engine-toggle").textContent = socket ? "Disconnect" : "Connect";
    }

    async function connect() {
      if (connecting) return;
      connecting = true;
      state("idle", "Connecting…");
      const token = await csrfToken().catch(() => "");
      connecting = false;
      if (ended) return state("idle", "Not connected");
      const scheme = location.protocol === "https:" ? "wss:" : "ws:";
      const query = token ? `?qlik-csrf-token=${encodeURIComponent(token)}` : "";
      open(`${scheme}//${location.host}${base}/app/engineData${query}`);
    }

    function open(url) {
      asked.clear();
      const opened = new WebSocket(url);
      socket = opened;
      state("idle", "Connecting…");
      opened.addEventListener("open", () => {
        state("open", "Connected");
        log("notice", "The socket is open.");
        for (const method of ["EngineVersion", "GetAuthenticatedUser", "GetDocList"]) ask(method);
      });
      opened.addEventListener("message", (event) => received(event.data));
      opened.addEventListener("close", (event) => {
        if (socket === opened) socket = null;
        const reason = event.reason ? `: ${event.reason}` : "";
        log("notice", `Closed with code ${event.code}${reason}.`);
        state(event.code === 1000 ? "idle" : "bad", `Closed (${event.code})`);
      });
    }

    function ask(method, params = []) {
      const request = { jsonrpc: "2.0", id: nextId++, handle: -1, method, params };
      asked.set(request.id, method);
      const text = JSON.stringify(request);
      log("sent", text);
      socket.send(text);
    }

    function received(text) {
      let message;
      try {
        message = JSON.parse(text);
      } catch {
        return log("received", text);
      }
      log("received", text);
      if (Object.hasOwn(GOODBYES, message.method)) {
        endSession(GOODBYES[message.method], message.method === "OnSessionLoggedOut" ? "" : "bad");
      }
      if (asked.get(message.id) === "GetDocList") apps(message.result?.qDocList);
      asked.delete(message.id);
    }

    function apps(list) {
      if (ended || !Array.isArray(list)) return;
      byId("app-list").replaceChildren(...list.map(card));
    }

    function card(doc) {
      const item = element("li", "app");
      const reloaded = new Date(doc.qLastReloadTime);
      const when = Number.isNaN(reloaded.getTime()) ? "" : `Reloaded ${reloaded.toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}`;
      item.append(
        element("span", "stream", doc.qMeta?.stream?.name),
        element("h3", "", doc.qTitle || doc.qDocName),
        element("p", "", doc.qMeta?.description),
        element("p", "reloaded", when),
      );
      return item;
    }

    function log(way, text) {
      const item = element("div", "entry");
      item.dataset.way = way;
      const time = element("time", "", new Date().toLocaleTimeString([], { hour12: false }));
      item.append(time, element("span", "way", way), element("pre", "", text));
      const list = byId("log");
      list.append(item);
      while (list.children.length > LOG_LIMIT) list.firstChild.remove();
      list.scrollTop = list.scrollHeight;
      byId("log-count").textContent = String(++count);
    }

    function stop() {
      byId("engine-toggle").hidden = true;
      byId("app-list").replaceChildren();
      if (!socket) state("idle", "Not connected");
      // The gateway closes the socket, with a code worth seeing; this is for when it does not.
      setTimeout(() => socket?.close(1000), 5000);
    }

    function start() {
      byId("engine").hidden = false;
      byId("engine-toggle").addEventListener("click", () => {
        if (socket) socket.close(1000);
        else connect();
      });
      connect();
    }

    return { start, stop };
  })();

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  byId("log-out").hidden = false;
  byId("log-out").addEventListener("click", logOut);
  session.start();
  engine.start();
})();
