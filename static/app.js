// Small extras; every page works without them.
(() => {
  const typing = (e) => e.target.closest("input, textarea, select, [contenteditable]") !== null;
  let pending = 0;
  const go = { o: "overview", s: "services", i: "imports", a: "activity" };
  document.addEventListener("keydown", (e) => {
    if (typing(e) || e.ctrlKey || e.metaKey || e.altKey || document.body.dataset.keys === "off") return;
    if (e.key === "/") {
      const search = document.getElementById("q");
      if (search) { e.preventDefault(); search.focus(); }
      return;
    }
    if (e.key === "g") { pending = Date.now(); return; }
    if (Date.now() - pending < 1200 && go[e.key]) {
      const link = document.querySelector(`.nav a[data-go="${go[e.key]}"]`);
      if (link) { e.preventDefault(); link.click(); }
    }
    if (e.key === "j" || e.key === "k") {
      const rows = [...document.querySelectorAll("tbody a.t")];
      const at = rows.indexOf(document.activeElement);
      const next = rows[Math.max(0, Math.min(rows.length - 1, at + (e.key === "j" ? 1 : -1)))];
      if (next) { e.preventDefault(); next.focus(); }
    }
  });
  // One box in the head of a table chooses all rows.
  document.addEventListener("change", (e) => {
    if (!e.target.matches("[data-all]")) return;
    for (const box of e.target.closest("form").querySelectorAll("tbody input[type=checkbox]")) box.checked = e.target.checked;
  });
  for (const box of document.querySelectorAll("[data-all]")) box.hidden = false;
  // An open menu closes with Escape or a click elsewhere.
  document.addEventListener("keydown", (e) => { if (e.key === "Escape") for (const m of document.querySelectorAll("details.menu[open]")) { m.open = false; m.querySelector("summary").focus(); } });
  document.addEventListener("click", (e) => { for (const m of document.querySelectorAll("details.menu[open]")) if (!m.contains(e.target)) m.open = false; });
})();
