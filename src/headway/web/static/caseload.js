// The caseload: how many are ticked, and which row belongs to the drawer. Both work on the server without this file.
(() => {
  "use strict";
  const told = () => {
    const box = document.getElementById("picked");
    if (!box) return;
    const chosen = document.querySelectorAll("#bulk [name='learner']:checked, #bulk input[type='hidden'][name='learner']").length;
    box.textContent = chosen === 0 ? "" : chosen === 1 ? box.dataset.one : box.dataset.many.replace("#", chosen.toLocaleString(document.documentElement.lang));
  };
  const marked = () => {
    const open = new URLSearchParams(location.search).get("learner");
    for (const row of document.querySelectorAll(".cases tr.chosen")) row.classList.remove("chosen");
    if (open) document.getElementById(`l-${open}`)?.closest("tr").classList.add("chosen");
  };
  // What the server would refuse is told before it is sent, so that the ticks are not lost.
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "bulk") return;
    const select = event.submitter?.closest(".pair")?.querySelector("select");
    if (select) {
      select.setCustomValidity(select.value ? "" : select.dataset.needed);
      if (!select.reportValidity()) { event.preventDefault(); return; }
    }
    if (event.target.querySelector("[name='learner']:checked, input[type='hidden'][name='learner']")) return;
    event.preventDefault();
    document.getElementById("picked").textContent = event.target.dataset.nobody;
    event.target.querySelector("[name='learner']")?.focus();
  });
  document.addEventListener("change", (event) => { if (event.target.matches("#bulk .pair select")) event.target.setCustomValidity(""); });
  document.addEventListener("change", (event) => { if (event.target.matches("#bulk [name='learner']")) told(); });
  document.addEventListener("htmx:after:swap", () => { told(); marked(); });
  for (const name of ["htmx:after:history:push", "htmx:after:history:replace"]) document.addEventListener(name, marked);
})();
