// Comfort only: every page works without this.
"use strict";
(() => {
  const root = document.documentElement;
  const kept = (key, value) => {
    try {
      if (value !== undefined) localStorage.setItem(key, value);
      return localStorage.getItem(key);
    } catch {
      return null; // A browser that keeps nothing.
    }
  };

  // Before the first paint.
  const theme = kept("jotgate-theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;

  // What was typed is kept until it is saved (edit.js).
  const forget = () => {
    try {
      sessionStorage.removeItem(sessionStorage.getItem("jotgate-sent"));
      sessionStorage.removeItem("jotgate-sent");
    } catch {
      // A browser that keeps nothing.
    }
  };

  let changed = false;

  const enhance = (root) => {
    // The first field at fault is where one goes on.
    root.querySelector("[aria-invalid=true]")?.focus();
    // So is the field that a link leads to.
    if (location.hash.startsWith("#f-")) document.getElementById(location.hash.slice(1))?.focus();

    // A file becomes the text of the field that it belongs to.
    for (const input of root.querySelectorAll("input[type=file][data-into]")) {
      input.closest("[hidden]")?.removeAttribute("hidden");
      input.addEventListener("change", async () => {
        const target = document.getElementById(input.dataset.into);
        const [file] = input.files;
        if (file && target && file.size < 500_000) {
          target.value = textOf(new Uint8Array(await file.arrayBuffer()));
          target.dispatchEvent(new Event("input", { bubbles: true }));
          target.dispatchEvent(new Event("change", { bubbles: true }));
        }
        input.value = "";
      });
    }

    // One box for all of them.
    for (const all of root.querySelectorAll("input[data-all]")) {
      all.closest("[hidden]")?.removeAttribute("hidden");
      all.addEventListener("change", () => {
        for (const one of document.getElementsByName(all.dataset.all)) one.checked = all.checked;
      });
    }

    // What is to be copied can be selected, too.
    for (const button of navigator.clipboard ? root.querySelectorAll("button[data-copy]") : []) {
      button.hidden = false;
      button.addEventListener("click", async () => {
        try {
          const source = button.dataset.copy && document.getElementById(button.dataset.copy);
          await navigator.clipboard.writeText(source ? source.textContent : location.href);
          button.textContent = "Copied";
        } catch {
          button.textContent = "Not allowed by the browser";
        }
      });
    }

    // Only the fields of the chosen authentication method.
    const method = document.getElementById("f-authenticationMethod");
    const choose = () => {
      for (const field of document.querySelectorAll("[data-only]")) {
        const wrong = field.querySelector("[aria-invalid]");
        field.hidden = !wrong && !method.value.startsWith(field.dataset.only);
      }
    };
    if (method) {
      method.addEventListener("change", choose);
      choose();
    }

    // Leaving with changes that are not saved is asked for.
    const guarded = root.querySelector("form[data-guarded]");
    changed = guarded?.dataset.guarded === "changed";
    guarded?.addEventListener("input", () => (changed = true));
    guarded?.addEventListener("submit", () => (changed = false));
  };

  // Binary files (DER): certificates get their first and last line, the server says what others are.
  const textOf = (bytes) => {
    if (bytes[0] !== 0x30) return new TextDecoder().decode(bytes);
    const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
    const inside = (at) => at + 2 + (bytes[at + 1] & 0x80 ? bytes[at + 1] & 0x7f : 0);
    const first = inside(0);
    const isCertificate = bytes[first] === 0x30 && bytes[inside(first)] !== 0x06;
    if (!isCertificate) return text;
    const lines = text.match(/.{1,64}/g).join("\n");
    return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  };

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (button) {
      button.hidden = false;
      button.addEventListener("click", () => {
        const dark = root.dataset.theme
          ? root.dataset.theme === "dark"
          : matchMedia("(prefers-color-scheme: dark)").matches;
        root.dataset.theme = kept("jotgate-theme", dark ? "light" : "dark") ?? (dark ? "light" : "dark");
      });
    }

    // On a small screen the navigation is a strip: it begins with the page that is shown.
    const here = document.querySelector(".side [aria-current]");
    if (here) here.closest(".side").scrollLeft = here.offsetLeft - 16;

    // What was done is told once, not again when the page is reloaded.
    const url = new URL(location.href);
    if (url.searchParams.has("done")) {
      url.searchParams.delete("done");
      history.replaceState(null, "", url);
      forget();
    }

    // Menus and dialogs close with Escape and with a click beside them.
    const menus = () => document.querySelectorAll("details.menu[open]");
    document.addEventListener("click", (event) => {
      for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        for (const menu of menus()) {
          menu.open = false;
          menu.querySelector("summary").focus();
        }
      }
      // "/" goes to the filter, as in many tools.
      const typing = event.target.closest("input, textarea, select");
      const filter = document.querySelector("input[type=search]");
      if (event.key === "/" && filter && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        filter.focus();
        filter.select();
      }
    });

    enhance(document);
    // Another script has put a page into the place of this one.
    document.addEventListener("jotgate:shown", () => enhance(document.getElementById("main")));
    addEventListener("beforeunload", (event) => changed && event.preventDefault());
  });
})();
