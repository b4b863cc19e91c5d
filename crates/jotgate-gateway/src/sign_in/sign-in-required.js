// Tells the page that embeds this frame that its user has to sign in again. The origins come from the
// virtual proxy's allow list; the browser delivers the message to no other one.
"use strict";
(() => {
  const { reason, virtualProxy, origins } = document.currentScript.dataset;
  if (window.parent === window) return;
  for (const origin of origins.split(" ").filter(Boolean)) {
    window.parent.postMessage({ type: "jotgate:sign-in-required", reason, virtualProxy }, origin);
  }
})();
