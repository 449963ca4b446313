"use strict";
// The page works without this script, which adds the search, reloads the list, and warns when the list is old.
(() => {
  const page = document.body.dataset;
  const byId = (id) => document.getElementById(id);
  const rows = [...document.querySelectorAll("#rows > tr")];
  const texts = rows.map((row) => folded(row.textContent));
  const kept = read();
  let lastTyped = 0;

  // Normalization does not split these letters into a base letter and an accent.
  function folded(text) {
    const plain = { ł: "l", ø: "o", đ: "d", ħ: "h", ı: "i", ß: "ss", æ: "ae", œ: "oe" };
    return text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replace(/[łøđħıßæœ]/g, (letter) => plain[letter])
      .replace(/\s+/g, " ");
  }

  // What survives a reload. A browser may forbid the storage; then only the search text is lost.
  function read() {
    try { return JSON.parse(sessionStorage.getItem("leapfrog-worklist")) || {}; } catch { return {}; }
  }
  function write(values) {
    Object.assign(kept, values);
    try { sessionStorage.setItem("leapfrog-worklist", JSON.stringify(kept)); } catch { /* see read() */ }
  }

  function filter() {
    const words = folded(byId("search").value).split(" ").filter(Boolean);
    let shown = 0, urgentHidden = 0;
    rows.forEach((row, index) => {
      row.hidden = !words.every((word) => texts[index].includes(word));
      if (!row.hidden) shown += 1;
      else if (row.classList.contains("urgent")) urgentHidden += 1;
    });
    const hiding = urgentHidden ? `; ${urgentHidden} urgent hidden by the search` : "";
    byId("count").textContent = words.length ? `${shown} of ${rows.length} shown${hiding}` : "";
    byId("count").classList.toggle("hiding", urgentHidden > 0);
    byId("clear").disabled = !byId("search").value;
    write({ search: byId("search").value });
  }

  function showPause() {
    byId("pause").textContent = kept.paused ? "Resume updates" : "Pause updates";
    byId("pause").hidden = false;
  }

  // The clocks of the box and of this screen may differ by years, so only this screen's clock is used.
  function checkAge() {
    const now = Date.now();
    if (kept.stamp !== page.updated) write({ stamp: page.updated, seen: now });
    if (now < kept.seen) write({ seen: now });
    const minutes = Math.floor((now - kept.seen) / 60000);
    const stale = !kept.paused && now - kept.seen > page.staleSeconds * 1000;
    byId("stale").hidden = !stale;
    byId("stale").textContent = stale
      ? `This list has not changed for ${minutes} minutes. The box may be off or out of reach: check it.` : "";
  }

  function reload() {
    const busy = Date.now() - lastTyped < 5000 || !getSelection().isCollapsed;
    if (kept.paused || document.hidden || busy) return;
    const search = byId("search");
    write({
      focused: document.activeElement === search, caret: search.selectionStart,
      link: document.activeElement.getAttribute("href"), scroll: scrollY,
    });
    location.reload();
  }

  function restore() {
    const search = byId("search");
    search.value = kept.search || "";
    filter();
    history.scrollRestoration = "manual";
    if (kept.scroll) scrollTo(0, kept.scroll);
    if (kept.focused) {
      search.focus({ preventScroll: true });
      search.setSelectionRange(kept.caret, kept.caret);
    } else if (kept.link) {
      rows.map((row) => row.querySelector("a")).find((link) => link.getAttribute("href") === kept.link)
        ?.focus({ preventScroll: true });
    }
    write({ scroll: 0, focused: false, link: null });
  }

  byId("searchbar").hidden = rows.length === 0;
  byId("search").addEventListener("input", () => { lastTyped = Date.now(); filter(); });
  byId("clear").addEventListener("click", () => { byId("search").value = ""; filter(); byId("search").focus(); });
  byId("pause").addEventListener("click", () => { write({ paused: !kept.paused, seen: Date.now() }); showPause(); });
  showPause();
  checkAge();
  restore();
  setInterval(checkAge, 5000);
  setInterval(reload, page.reloadSeconds * 1000);
})();
