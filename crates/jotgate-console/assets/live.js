// A list that shows what changes: the server is asked again for its rows. Without this, there is a link
// that reloads the page.
"use strict";
(() => {
  const TICK = 1000;
  const SLOWEST = 30_000;
  const ENDED = "Stopped: the session has ended, or the role is gone. Reload the page to sign in again.";

  document.addEventListener("DOMContentLoaded", () => {
    let region = document.querySelector("[data-live]");
    const state = document.getElementById("live-state");
    const button = document.getElementById("live-switch");
    if (!region?.dataset.live) return;
    document.getElementById("live-reload").hidden = true;
    button.hidden = false;
    let paused = false;
    let failures = 0;

    // It is read aloud: only what has changed.
    const say = (text) => {
      if (state.textContent !== text) state.textContent = text;
    };
    button.addEventListener("click", () => {
      paused = !paused;
      button.textContent = paused ? "Continue" : "Pause";
      say(paused ? "Paused" : "Live");
    });

    // Nothing moves below somebody's hands.
    const isInUse = () =>
      document.activeElement?.closest("form, [data-live], dialog[open]") || !getSelection().isCollapsed;

    const show = (text) => {
      const next = new DOMParser().parseFromString(text, "text/html").querySelector("[data-live]");
      if (next.innerHTML === region.innerHTML) {
        region.dataset.live = next.dataset.live;
      } else {
        region.replaceWith(next);
        region = next;
      }
    };

    /** Asks once. Gives whether there is any use in asking again. */
    const ask = async () => {
      const answer = await fetch(region.dataset.live, { redirect: "manual" });
      const text = await answer.text();
      if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) return false;
      if (!answer.ok) throw new Error(answer.status);
      if (text && !paused && !isInUse()) show(text);
      if (!paused) say("Live");
      return true;
    };

    const look = async () => {
      let wait = TICK;
      if (!paused && !document.hidden && !isInUse()) {
        const began = performance.now();
        try {
          if (!(await ask())) {
            button.hidden = true;
            say(ENDED);
            return;
          }
          failures = 0;
        } catch {
          failures += 1;
          wait = TICK * 2 ** failures;
          say("No answer. It is asked again.");
        }
        // What is much work for the server is asked for less often.
        wait = Math.min(Math.max(wait, 10 * (performance.now() - began)), SLOWEST);
      }
      setTimeout(look, wait);
    };
    say("Live");
    setTimeout(look, TICK);
  });
})();
