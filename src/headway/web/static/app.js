// What HTML and htmx do not do by themselves: focus in drawers and error summaries, Esc to close, and what is told while
// an answer is late or does not come. Texts stand in base.html, in the reader's language.
(() => {
  "use strict";
  const BUSY_MS = 1000, STOP_MS = 10000;
  const byId = (id) => document.getElementById(id);
  const running = new Map();
  let opener = "", last = null;

  // Drawers: where the focus goes when one opens, and comes back to when it closes.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-opens-drawer]");
    if (link) opener = link.id;
    const back = event.target.closest("[data-close]");
    if (back && !opener) opener = back.dataset.close || document.querySelector("tr.chosen [data-opens-drawer]")?.id || "";
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    const menu = event.target.closest("details.who[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); return; }
    if (document.querySelector("dialog[open]")) return;
    document.querySelector(".drawer [data-close]")?.click();
  });
  const drawerChanged = (drawer) => {
    const heading = drawer.querySelector("[data-focus]");
    if (heading) { heading.focus(); return; }
    const to = byId(opener) || byId("main");
    opener = "";
    to.focus();
  };

  // Requests: old content stays while a new one is on its way; a late answer is told after a second.
  const settle = (ctx) => {
    const begun = running.get(ctx);
    running.delete(ctx);
    begun?.timers.forEach(clearTimeout);
    begun?.target.removeAttribute("aria-busy");
    if (!running.size) byId("working")?.replaceChildren();
  };
  const words = (id) => byId(id).content.cloneNode(true);
  document.addEventListener("htmx:before:request", (event) => {
    const ctx = event.detail?.ctx;
    if (!(ctx?.target instanceof Element)) return;
    ctx.target.setAttribute("aria-busy", "true");
    byId("trouble").replaceChildren();
    const tell = (stop) => () => {
      const told = words("working-words"), button = told.querySelector("[data-stop]");
      if (!stop) button.remove();
      byId("working").replaceChildren(told);
      if (stop) byId("working").lastElementChild.onclick = () => { htmx.trigger(ctx.sourceElement, "htmx:abort"); settle(ctx); };
    };
    const timers = [setTimeout(tell(false), BUSY_MS), setTimeout(tell(true), STOP_MS)];
    running.set(ctx, { timers, target: ctx.target, swap: ctx.swap });
  });
  document.addEventListener("htmx:finally:request", (event) => settle(event.detail?.ctx));

  // Trouble: a message with a way to try again, beside what is there.
  const retry = () => {
    const { source, request, target, swap } = last;
    byId("trouble").replaceChildren();
    if (source?.isConnected && source.matches("a")) source.click();
    else if (source?.isConnected && source.matches("form")) source.requestSubmit();
    else if (request.method === "GET") htmx.ajax("GET", request.action, { source, target, swap });
  };
  const offer = (ctx, withWords) => {
    last = { source: ctx.sourceElement, request: ctx.request, ...running.get(ctx) };
    const told = words("trouble-words"), place = byId("trouble");
    if (!withWords) told.querySelector(".lost").remove();
    else place.replaceChildren();
    told.querySelector("[data-retry]").addEventListener("click", retry);
    told.querySelector("[data-dismiss]").addEventListener("click", () => place.replaceChildren());
    place.append(told);
  };
  document.addEventListener("htmx:response:error", (event) => {
    const ctx = event.detail.ctx;
    if (ctx.hx.retarget === "#trouble") return;
    ctx.hx.reswap = "none";
    offer(ctx, true);
  });
  document.addEventListener("htmx:error", (event) => { if (event.detail?.ctx) offer(event.detail.ctx, true); });

  document.addEventListener("htmx:after:swap", (event) => {
    const ctx = event.detail?.ctx;
    const target = typeof ctx?.target === "string" ? document.querySelector(ctx.target) : ctx?.target;
    if (!(target instanceof Element)) return;
    if (target.id === "trouble") { offer(ctx, false); return; }
    if (target.matches(".drawer")) drawerChanged(target);
    else target.querySelector(".errors[data-focus]")?.focus();
  });
  document.querySelector(".errors[data-focus]")?.focus();
  // A whole new page: what was being computed has styles of its own.
  const again = byId("pending")?.dataset.again;
  if (again) setTimeout(() => location.replace(again), 1000);
})();
