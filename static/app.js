// Small extras; every page works without them.
(() => {
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (e) => e.target.closest("input, textarea, select, [contenteditable]") !== null;

  // Keys: / searches, Ctrl+K opens the palette, g and a letter goes to a page, j and k walk the rows, x chooses one, ? lists the keys.
  let pending = 0;
  const go = { o: "overview", s: "services", i: "imports", a: "activity" };
  document.addEventListener("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && !e.altKey && !e.shiftKey && e.key.toLowerCase() === "k" && one("form.search")) { e.preventDefault(); open(); return; }
    if (typing(e) || e.ctrlKey || e.metaKey || e.altKey || document.body.dataset.keys === "off" || one("dialog[open]")) return;
    if (e.key === "/") {
      const search = document.getElementById("q");
      if (!search) return;
      e.preventDefault();
      if (search.offsetParent) search.focus(); else open();
      return;
    }
    if (e.key === "g") { pending = Date.now(); return; }
    if (Date.now() - pending < 1200 && go[e.key]) {
      const link = one(`.nav a[data-go="${go[e.key]}"]`);
      if (link) { e.preventDefault(); link.click(); }
      return;
    }
    if (e.key === "?") { e.preventDefault(); help(); return; }
    if (e.key === "x") {
      const box = document.activeElement.matches("tbody a.t") && one("input[type=checkbox]", document.activeElement.closest("tr"));
      if (box) { e.preventDefault(); box.click(); }
      return;
    }
    if (e.key === "j" || e.key === "k") {
      const rows = all("tbody a.t");
      const at = rows.indexOf(document.activeElement);
      const next = rows[Math.max(0, Math.min(rows.length - 1, at + (e.key === "j" ? 1 : -1)))];
      if (next) { e.preventDefault(); next.focus(); }
    }
  });

  // The palette shows what the search page finds, while typing.
  let box, input, list, note, wait, asked = 0;
  const make = (tag, props = {}, ...children) => {
    const e = Object.assign(document.createElement(tag), props);
    e.append(...children);
    return e;
  };
  const build = () => {
    input = make("input", { type: "text", placeholder: "Search services and pages", autocomplete: "off", spellcheck: false });
    for (const [k, v] of [["role", "combobox"], ["aria-expanded", "true"], ["aria-controls", "hits-p"], ["aria-autocomplete", "list"], ["aria-label", "Search services and pages"]]) input.setAttribute(k, v);
    list = make("ul", { id: "hits-p" });
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Found");
    note = make("p");
    note.setAttribute("role", "status");
    const label = make("label");
    label.append(one("form.search svg").cloneNode(true), input);
    box = make("dialog", { className: "palette" }, label, list, note);
    box.setAttribute("aria-label", "Search");
    document.body.append(box);
    input.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(find, 120); });
    input.addEventListener("keydown", (e) => {
      const options = all("[role=option]", list);
      const at = options.findIndex((o) => o.getAttribute("aria-selected") === "true");
      if (e.key === "ArrowDown" || e.key === "ArrowUp") {
        e.preventDefault();
        if (options.length) choose(options[(at + (e.key === "ArrowDown" ? 1 : -1) + options.length) % options.length]);
      } else if (e.key === "Enter") {
        e.preventDefault();
        const chosen = options[at];
        if (chosen) location.href = chosen.dataset.href;
        else if (input.value) location.href = one("form.search").action + "?q=" + encodeURIComponent(input.value);
      }
    });
    box.addEventListener("click", (e) => {
      const option = e.target.closest("[role=option]");
      if (option) location.href = option.dataset.href;
      else if (e.target === box) box.close();
    });
  };
  const choose = (option) => {
    for (const o of all("[role=option]", list)) o.setAttribute("aria-selected", o === option ? "true" : "false");
    input.setAttribute("aria-activedescendant", option ? option.id : "");
    if (option) option.scrollIntoView({ block: "nearest" });
  };
  const fill = (hits) => {
    list.replaceChildren(...hits.map((h, i) => {
      const o = make("li", { id: "hit-" + i }, ...(h.icon ? [h.icon] : []), make("span", { textContent: h.name }), make("small", { textContent: h.text }));
      o.setAttribute("role", "option");
      o.dataset.href = h.href;
      return o;
    }));
    choose(list.firstElementChild);
    list.hidden = hits.length === 0;
    note.hidden = hits.length > 0;
  };
  const links = () => all(".nav a").map((a) => ({ name: a.textContent.trim(), text: "Page", href: a.href, icon: one("svg", a).cloneNode(true) }));
  const find = async () => {
    const text = input.value.trim(), mine = ++asked;
    if (!text) { fill(links()); return; }
    try {
      const answer = await fetch(one("form.search").action + "?q=" + encodeURIComponent(text), { credentials: "same-origin" });
      if (!answer.ok || answer.redirected) throw new Error();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine !== asked) return;
      note.textContent = "Nothing found. Enter opens the search page.";
      fill(all("#hits li", page).map((li) => {
        const a = one("a", li);
        return { name: a.textContent, text: one("small", li).textContent, href: a.getAttribute("href"), icon: one("svg", li) };
      }));
    } catch {
      if (mine !== asked) return;
      note.textContent = "The search did not answer. Enter opens the search page.";
      fill([]);
    }
  };
  const open = () => {
    if (!box) build();
    input.value = "";
    fill(links());
    box.showModal();
    input.focus();
  };
  for (const link of all("[data-search]")) link.addEventListener("click", (e) => { e.preventDefault(); open(); });

  // The keys, for those who want them; none is ever needed.
  let keys;
  const help = () => {
    if (!keys) {
      const rows = [["/", "search"], ["Ctrl K", "search and go to a page"], ["g o, g s, g i, g a", "overview, services, imports, activity"], ["j, k", "next and previous row"], ["Enter", "open the row"], ["x", "choose the row"], ["?", "these keys"], ["Esc", "close"]];
      const close = make("button", { type: "button", className: "btn sm", textContent: "Close" });
      close.addEventListener("click", () => keys.close());
      keys = make("dialog", { className: "palette shortcuts" }, make("h2", { textContent: "Keys" }), make("dl", {}, ...rows.flatMap(([k, w]) => [make("dt", {}, make("kbd", { textContent: k })), make("dd", { textContent: w })])), close);
      keys.setAttribute("aria-label", "Keys");
      document.body.append(keys);
    }
    keys.showModal();
  };

  // One box in the head of a table chooses all rows; the bar says how many are chosen.
  document.addEventListener("change", (e) => {
    const form = e.target.closest("form");
    if (!form || !e.target.matches("[data-all], tbody input[type=checkbox]")) return;
    const boxes = all("tbody input[type=checkbox]", form), head = one("[data-all]", form), words = one("[data-selected]", form);
    if (e.target === head) for (const b of boxes) b.checked = head.checked;
    const n = boxes.filter((b) => b.checked).length;
    if (head) { head.checked = n === boxes.length; head.indeterminate = n > 0 && n < boxes.length; }
    if (words) words.textContent = n + " selected";
  });
  for (const head of all("[data-all]")) head.hidden = false;

  // Files can be dropped anywhere on the dashed box.
  for (const zone of all("[data-drop]")) {
    const field = one("input[type=file]", zone);
    for (const type of ["dragenter", "dragover"]) zone.addEventListener(type, (e) => { e.preventDefault(); zone.classList.add("over"); });
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", (e) => {
      e.preventDefault();
      zone.classList.remove("over");
      if (e.dataTransfer.files.length) field.files = e.dataTransfer.files;
    });
  }

  // A page of something that runs is drawn again whenever the server says that it changed.
  for (const live of all("[data-live]")) {
    const source = new EventSource(live.dataset.live);
    source.addEventListener("change", (e) => {
      const at = live.contains(document.activeElement) ? document.activeElement : null;
      const name = at && (at.getAttribute("href") || at.getAttribute("aria-label"));
      live.replaceChildren(...new DOMParser().parseFromString(e.data, "text/html").body.childNodes);
      const again = name && all("a, button, [tabindex]", live).find((x) => x.getAttribute("href") === name || x.getAttribute("aria-label") === name);
      if (again) again.focus({ preventScroll: true });
    });
    source.addEventListener("end", () => { source.close(); location.reload(); });
    source.addEventListener("gone", () => source.close());
  }

  // The list of a form's problems is where reading begins after a refusal.
  const problems = document.querySelector("form #problems");
  if (problems) problems.focus();

  // An open menu closes with Escape or a click elsewhere.
  document.addEventListener("keydown", (e) => { if (e.key === "Escape") for (const m of all("details.menu[open]")) { m.open = false; one("summary", m).focus(); } });
  document.addEventListener("click", (e) => { for (const m of all("details.menu[open]")) if (!m.contains(e.target)) m.open = false; });
})();
