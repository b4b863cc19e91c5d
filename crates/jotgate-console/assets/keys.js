// Keys and tokens that are made in this tab. A private key is in the memory of this page and in the file
// that somebody saves; it is in no form, no request and no storage.
"use strict";
(() => {
  // Browsers have it over HTTPS and on the machine itself only.
  if (!globalThis.crypto?.subtle) return;

  const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  // How WebCrypto calls the algorithms of RFC 7518 section 3.1.
  const ALGORITHMS = {
    RS256: RSA,
    ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
    ES384: { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
    EdDSA: { name: "Ed25519" },
  };
  /** The key that was made here: `{ key, publicPem, file }`, the last one the address of what is saved. */
  let held = null;

  const base64 = (bytes) => btoa(Array.from(new Uint8Array(bytes), (b) => String.fromCharCode(b)).join(""));
  const base64url = (bytes) => base64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
  const pem = (label, bytes) =>
    `-----BEGIN ${label}-----\n${base64(bytes).match(/.{1,64}/g).join("\n")}\n-----END ${label}-----\n`;

  const make = async (button) => {
    button.disabled = true;
    const kind = { ...RSA, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
    const pair = await crypto.subtle.generateKey(kind, true, ["sign", "verify"]);
    const secret = pem("PRIVATE KEY", await crypto.subtle.exportKey("pkcs8", pair.privateKey));
    const publicPem = pem("PUBLIC KEY", await crypto.subtle.exportKey("spki", pair.publicKey));
    if (held) URL.revokeObjectURL(held.file);
    const file = URL.createObjectURL(new Blob([secret], { type: "application/x-pem-file" }));
    held = { key: pair.privateKey, publicPem, file };
    const field = document.getElementById(button.dataset.makeKey);
    field.value = publicPem;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
    button.disabled = false;
    offer();
  };

  /** Offers the file of the key that was made. */
  const offer = () => {
    const told = document.getElementById("made-key");
    if (!held || !told) return;
    told.querySelector("a").href = held.file;
    told.hidden = false;
  };

  /** The private key in a PEM file. */
  const keyOf = async (file, algorithm) => {
    const block = /-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----/.exec(await file.text());
    if (!block) throw new Error("That file holds no private key that begins with -----BEGIN PRIVATE KEY-----.");
    const bytes = Uint8Array.from(atob(block[1].replace(/\s/g, "")), (c) => c.charCodeAt(0));
    return crypto.subtle.importKey("pkcs8", bytes, ALGORITHMS[algorithm], false, ["sign"]).catch(() => {
      throw new Error(`That file holds no private key for ${algorithm}.`);
    });
  };

  const signed = async (claims, algorithm, key, header = {}) => {
    const part = (value) => base64url(new TextEncoder().encode(JSON.stringify(value)));
    const text = `${part({ alg: algorithm, typ: "JWT", ...header })}.${part(claims)}`;
    const signature = await crypto.subtle.sign(ALGORITHMS[algorithm], key, new TextEncoder().encode(text));
    return `${text}.${base64url(signature)}`;
  };

  /** A line about what came of it. Text only: a part of it comes from elsewhere. */
  const say = (out, kind, ...parts) => {
    out.className = `notice ${kind}`;
    out.replaceChildren(...parts);
    out.hidden = false;
  };
  const link = (text, href, attributes = {}) => Object.assign(document.createElement("a"), { href, ...attributes, textContent: text });

  const signIn = async (form, out) => {
    const { algorithm, path, userClaim, directoryClaim, fixed, requests } = form.dataset;
    const [file] = form.elements.key.files;
    const key = file ? await keyOf(file, algorithm) : held?.key;
    if (!key) return say(out, "warn", "The key is not in this tab any more. Choose the file of the private key.");
    const now = Math.floor(Date.now() / 1000);
    const claims = { ...JSON.parse(fixed), iat: now, exp: now + 120 };
    if (userClaim) claims[userClaim] = form.elements.user.value;
    if (directoryClaim) claims[directoryClaim] = form.elements.directory.value;
    const authorization = `Bearer ${await signed(claims, algorithm, key)}`;
    const accept = "application/json, text/html;q=0.9, */*;q=0.8";
    const answer = await fetch(path, { headers: { authorization, accept }, cache: "no-store" });
    if (answer.headers.has("jotgate-reason")) {
      const { detail, reason, reference } = await answer.json();
      const where = link("Why, and what to do", `${requests}/${encodeURIComponent(reference)}`);
      return say(out, "bad", `${answer.status} ${reason}: ${detail} `, where);
    }
    const who = await (await fetch(`${path}qps/user`, { headers: { accept }, cache: "no-store" })).json();
    const user = `${who.userDirectory}\\${who.userId}`;
    const open = link(`Open it as ${user}`, path, { target: "_blank", rel: "noopener" });
    say(out, "good", `Signed in as ${user}. The backend answered with ${answer.status}. `, open);
  };

  /** A value as it is written in JSON, or else a text. */
  const valueOf = (text) => {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  };

  /** A token of the claims that were typed, into the field that the form names. */
  const mint = async (form, out) => {
    const { algorithm, key: files, lifetime, kid } = form.elements;
    const [file] = files.files;
    const key = file ? await keyOf(file, algorithm.value) : algorithm.value === "RS256" ? held?.key : null;
    if (!key) throw new Error("Choose the file of a private key, or make a key pair, which signs with RS256.");
    const values = [...form.querySelectorAll("[name=value]")].map((input) => input.value);
    const names = [...form.querySelectorAll("[name=claim]")].map((input) => input.value.trim());
    const typed = names.map((name, at) => [name, valueOf(values[at])]).filter(([name]) => name);
    const now = Math.floor(Date.now() / 1000);
    const claims = { iat: now, exp: now + Number(lifetime.value), ...Object.fromEntries(typed) };
    const header = kid.value.trim() ? { kid: kid.value.trim() } : {};
    document.getElementById(form.dataset.mint).value = await signed(claims, algorithm.value, key, header);
    say(out, "good", "The token is in the field at the top: check it there.");
  };

  /** Puts the page that was answered into the place of this one, so that the key stays in the tab. */
  const show = async (answer) => {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const main = page.getElementById("main");
    if (!main) throw new Error("Your session has ended. Sign in in another tab, and do it again here.");
    document.getElementById("main").replaceWith(main);
    document.title = page.title;
    if (answer.redirected) history.replaceState(null, "", answer.url.replace(/[?&]done=[a-z]+/, ""));
    scrollTo(0, 0);
    document.dispatchEvent(new Event("jotgate:shown"));
  };

  const post = async (form, button) => {
    const body = new URLSearchParams(new FormData(form, button));
    await show(await fetch(form.action, { method: "POST", body }));
  };

  const enhance = () => {
    offer();
    for (const button of document.querySelectorAll("button[data-make-key]")) {
      button.hidden = false;
      button.addEventListener("click", () => make(button));
    }
    for (const form of document.querySelectorAll("form[data-keeps-key]")) {
      form.addEventListener("submit", (event) => {
        const field = form.querySelector("textarea");
        if (held?.publicPem.trim() !== field.value.trim()) return;
        event.preventDefault();
        post(form, event.submitter).catch((error) => {
          say(document.getElementById("not-sent"), "bad", error.message);
          form.dispatchEvent(new Event("input"));
        });
      });
    }
    for (const form of document.querySelectorAll("form[data-mint]")) {
      form.closest("[hidden]")?.removeAttribute("hidden");
      const out = form.querySelector("form > div > [role=status]");
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        mint(form, out).catch((error) => say(out, "bad", error.message));
      });
    }
    for (const form of document.querySelectorAll("form[data-sign-in]")) {
      if (!ALGORITHMS[form.dataset.algorithm]) continue;
      form.closest("[hidden]")?.removeAttribute("hidden");
      const own = form.querySelector("[data-own-key]");
      own.hidden = !held;
      const out = form.querySelector("[role=status]");
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        signIn(form, out).catch((error) => say(out, "bad", error.message));
      });
    }
  };
  document.addEventListener("DOMContentLoaded", enhance);
  document.addEventListener("jotgate:shown", enhance);
})();
