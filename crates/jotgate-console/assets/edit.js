// The edit page: a field that is left is judged by the server, in the words of a save; and what was typed
// survives a session that has ended, in this tab.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("form.edit[data-user]");
  if (!form) return;

  // === What the server says of fields that were left ===

  const touched = new Set();
  let asking = null;
  const check = async () => {
    asking?.abort();
    asking = new AbortController();
    const body = new URLSearchParams(new FormData(form));
    body.append("do", "check");
    const answer = await fetch(form.action, { method: "POST", body, signal: asking.signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (page.querySelector("form.edit[data-user]")) for (const name of touched) show(name, page);
  };
  const show = (name, page) => {
    const find = (root) => root.querySelector(`[data-field="${name}"]`);
    const [field, said] = [find(document), find(page)];
    if (!field || !said) return;
    for (const part of [`${name}-more`, ...(name === "jwtPublicKeyCertificate" ? ["explained"] : [])]) {
      document.getElementById(part).replaceWith(page.getElementById(part));
    }
    const isWrong = said.querySelector("[aria-invalid]") !== null;
    for (const control of field.querySelectorAll("input, select, textarea")) {
      if (isWrong) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    }
    // The server drops empty entries, and knows no others.
    const meanings = [...said.querySelectorAll(".meaning")];
    for (const meaning of field.querySelectorAll(".meaning")) {
      const text = meaning.parentElement.querySelector("input").value.trim();
      meaning.textContent = text ? meanings.shift()?.textContent ?? "" : "";
    }
  };
  form.addEventListener("change", (event) => {
    const field = event.target.closest("[data-field]");
    if (!field) return;
    touched.add(field.dataset.field);
    // Without an answer nothing is shown: a save says the same.
    check().catch(() => {});
  });

  // === What was typed, until it is saved ===

  const key = `jotgate-unsaved ${form.dataset.user} ${new URL(form.action).pathname}`;
  const store = (change) => {
    try {
      return change(sessionStorage);
    } catch {
      return null; // A browser that keeps nothing.
    }
  };
  const entries = () => {
    const names = new Set();
    for (const control of form.elements) {
      if (control.name && control.closest("[data-unkept]")) names.add(control.name);
    }
    const own = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && name !== "csrf" && name !== "do");
    return { kept: own.filter(([name]) => !names.has(name)), unkept: own.filter(([name]) => names.has(name)) };
  };
  const keep = () => {
    const kept = entries().kept.filter(([, value]) => !value.includes("PRIVATE KEY"));
    store((all) => all.setItem(key, JSON.stringify({ at: new Date().toISOString(), kept })));
  };
  const forget = () => store((all) => all.removeItem(key));
  form.addEventListener("input", keep);
  // Whoever cancels wants none of it.
  form.querySelector(".save a")?.addEventListener("click", forget);

  // The page that says that it was saved forgets it (console.js).
  form.addEventListener("submit", (event) => {
    if (["save", "preview"].includes(event.submitter?.value)) store((all) => all.setItem("jotgate-sent", key));
  });
  store((all) => all.removeItem("jotgate-sent"));
  if (form.dataset.guarded === "changed") return keep();
  const before = JSON.parse(store((all) => all.getItem(key)) ?? "null");
  if (!before) return;
  const notice = document.getElementById("kept");
  notice.hidden = false;
  notice.querySelector("time").textContent = new Date(before.at).toLocaleString();
  notice.addEventListener("click", (event) => {
    if (event.target.value === "forget") {
      forget();
      notice.hidden = true;
    }
    if (event.target.value !== "restore") return;
    // The server makes the page of it: rows and all.
    const again = Object.assign(document.createElement("form"), { method: "post", action: form.action, hidden: true });
    const csrf = ["csrf", form.elements.csrf.value];
    for (const [name, value] of [csrf, ["do", "rows"], ...before.kept, ...entries().unkept]) {
      // A text area keeps line breaks.
      again.append(Object.assign(document.createElement("textarea"), { name, value }));
    }
    document.body.append(again);
    again.submit();
  });
});
