// The command palette: Ctrl+K, or the button at the top. Its answers are those of the search page, which
// does without this.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const opener = document.getElementById("search");
  if (!opener) return;
  const made = (name, properties, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };
  const list = made("ul", { id: "palette-list", role: "listbox", ariaLabel: "Where to" });
  const input = made("input", {
    type: "text", role: "combobox", autocomplete: "off", spellcheck: false, placeholder: "Where to?",
    ariaLabel: "Where to", ariaAutoComplete: "list", ariaExpanded: "true",
  });
  input.setAttribute("aria-controls", list.id);
  const count = made("p", { className: "unseen", role: "status" });
  const dialog = made("dialog", { className: "palette", ariaLabel: "Go to" }, input, list, count);
  document.body.append(dialog);

  let chosen = 0;
  const choose = (number) => {
    const options = [...list.children];
    chosen = options.length ? (number + options.length) % options.length : 0;
    options.forEach((option, at) => (option.ariaSelected = String(at === chosen)));
    if (options[chosen]) {
      input.setAttribute("aria-activedescendant", options[chosen].id);
      options[chosen].scrollIntoView({ block: "nearest" });
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  };

  let asked = 0;
  let answered = Promise.resolve();
  const search = async () => {
    const number = (asked += 1);
    const address = new URL(opener.href);
    address.searchParams.set("q", input.value);
    try {
      const answer = await fetch(address, { redirect: "error" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (number !== asked || !answer.ok) return;
      const found = [...page.querySelectorAll("a[data-kind]")];
      list.replaceChildren(
        ...found.map((link, at) => {
          const kind = made("span", { className: "muted small", textContent: link.dataset.kind });
          const option = made("li", { id: `palette-${at}`, role: "option" }, `${link.textContent} `, kind);
          option.addEventListener("click", () => location.assign(link.getAttribute("href")));
          return option;
        }),
      );
      count.textContent = found.length === 1 ? "1 answer" : `${found.length} answers`;
      choose(0);
    } catch {
      count.textContent = "No answer";
    }
  };

  const open = () => {
    if (dialog.open) return;
    input.value = "";
    dialog.showModal();
    input.focus();
    answered = search();
  };
  opener.addEventListener("click", (event) => {
    event.preventDefault();
    open();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
      event.preventDefault();
      open();
    }
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  input.addEventListener("input", () => (answered = search()));
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) choose(chosen + step);
    else if (event.key === "Enter") answered.then(() => list.children[chosen]?.click());
    else return;
    event.preventDefault();
  });
});
