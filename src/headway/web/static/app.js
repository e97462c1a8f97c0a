// What HTML and htmx do not do by themselves: focus in drawers and error summaries, and Esc to close.
(() => {
  "use strict";
  let opener = null;
  const focusNew = (root) => {
    const wanted = root.querySelector("[data-focus]");
    if (wanted) wanted.focus();
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-opens-drawer]");
    if (link) opener = link.id;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest("details.who[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); return; }
    const close = document.querySelector(".drawer [data-close]");
    if (close) close.click();
  });
  document.addEventListener("htmx:before:request", (event) => {
    const target = event.detail?.ctx?.target;
    if (target instanceof Element) target.setAttribute("aria-busy", "true");
  });
  document.addEventListener("htmx:finally:request", (event) => {
    const target = event.detail?.ctx?.target;
    if (target instanceof Element) target.removeAttribute("aria-busy");
  });
  document.addEventListener("htmx:after:swap", () => {
    const drawer = document.querySelector(".drawer");
    if (!drawer) return;
    const heading = drawer.querySelector("[data-focus]");
    if (heading && !heading.dataset.had) { heading.dataset.had = "1"; heading.focus(); }
    else if (!heading && opener) { document.getElementById(opener)?.focus(); opener = null; }
  });
  if (document.querySelector(".errors[data-focus]")) focusNew(document);
})();
