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

    // What was done is told once, not again when the page is reloaded.
    const url = new URL(location.href);
    if (url.searchParams.has("done")) {
      url.searchParams.delete("done");
      history.replaceState(null, "", url);
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

    // The first field at fault is where one goes on.
    document.querySelector("[aria-invalid=true]")?.focus();

    // A file becomes the text of the field that it belongs to.
    for (const input of document.querySelectorAll("input[type=file][data-into]")) {
      input.closest("[hidden]")?.removeAttribute("hidden");
      input.addEventListener("change", async () => {
        const target = document.getElementById(input.dataset.into);
        const [file] = input.files;
        if (file && target && file.size < 500_000) target.value = await file.text();
        input.value = "";
      });
    }

    // What is to be copied can be selected, too.
    for (const button of navigator.clipboard ? document.querySelectorAll("button[data-copy]") : []) {
      button.hidden = false;
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
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
    const guarded = document.querySelector("form[data-guarded]");
    if (guarded) {
      let changed = guarded.dataset.guarded === "changed";
      guarded.addEventListener("input", () => (changed = true));
      guarded.addEventListener("submit", () => (changed = false));
      addEventListener("beforeunload", (event) => changed && event.preventDefault());
    }
  });
})();
