// The page works without this script, which adds the search, reloads the list, and warns when the box stopped.
(() => {
  const page = document.body.dataset;
  const byId = (id) => document.getElementById(id);
  const rows = [...document.querySelectorAll("#rows tr[id]")];
  const texts = rows.map((row) => folded(`${row.textContent} ${row.dataset.found || ""}`));
  const kept = Object.assign({ search: "", filter: "" }, read());
  const buttons = [...byId("filters").children];
  const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
  const MONTH = "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    + "|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?";
  let lastTyped = 0;
  let paused = false; // never kept: whoever opens or reloads the page sees what is new
  let newest = page.identity;

  // Normalization does not split these letters into a base letter and an accent.
  function folded(text) {
    const plain = { ł: "l", ø: "o", đ: "d", ħ: "h", ı: "i", ß: "ss", æ: "ae", œ: "oe" };
    return text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replace(/[łøđħıßæœ]/g, (letter) => plain[letter])
      .replace(/\s+/g, " ").trim();
  }

  // What survives a reload. A browser may forbid the storage; then only the search and the place are lost.
  function read() {
    try { return JSON.parse(sessionStorage.getItem("leapfrog-worklist")) || {}; } catch { return {}; }
  }
  function write(values) {
    Object.assign(kept, values);
    try { sessionStorage.setItem("leapfrog-worklist", JSON.stringify(kept)); } catch { /* see read() */ }
  }

  // ---------------------------------------------------------------- the search

  const two = (number) => String(number).padStart(2, "0");
  const years = (year) => (!year ? [""] : year.length === 4 ? [year] : [`20${year}`, `19${year}`]);
  function dates(year, month, day) {
    return month >= 1 && month <= 12 && day >= 1 && day <= 31
      ? years(year).map((one) => `${one}-${two(month)}-${two(day)}`) : [];
  }
  function daysAgo(days) {
    const day = new Date(`${page.today}T12:00:00Z`);
    day.setUTCDate(day.getUTCDate() - days);
    return day.toISOString().slice(0, 10);
  }

  // A word of the search as what may stand in a row instead: itself, and the dates that it can mean.
  function meanings(word) {
    if (word === "today") return [word, page.today];
    if (word === "yesterday") return [word, daysAgo(1)];
    let found = word.match(/^(\d{4})[./-]?(\d{2})[./-]?(\d{2})$/);
    if (found) return [word, ...dates(found[1], +found[2], +found[3])];
    found = word.match(/^(\d{1,2})[./-](\d{1,2})(?:[./-](\d{4}|\d{2}))?\.?$/);
    if (found) return [word, ...dates(found[3], +found[2], +found[1]), ...dates(found[3], +found[1], +found[2])];
    return [word];
  }

  // `28 Nov 2026`, `Nov 28, 2026` and `28-nov` as dates in one word.
  function wanted(query) {
    const month = (name) => MONTHS.indexOf(name.slice(0, 3)) + 1;
    const joined = (whole, day, name, year) => (year ? `${year}-${two(month(name))}-${two(day)}` : `${day}/${month(name)}`);
    return folded(query)
      .replace(new RegExp(`\\b(\\d{1,2})(?:st|nd|rd|th)?[ ./-]*(${MONTH})\\b[ .,/-]*(\\d{4})?`, "g"), (...all) => `${joined(...all)} `)
      .replace(new RegExp(`\\b(${MONTH})\\b[ .]*(\\d{1,2})(?:st|nd|rd|th)?\\b(?:,? (\\d{4}))?`, "g"),
        (whole, name, day, year) => `${joined(whole, day, name, year)} `)
      .split(" ").filter(Boolean).map(meanings);
  }

  function passes(row, filter) {
    if (filter === "today") return row.querySelector("a").getAttribute("href").startsWith(page.today);
    return !filter || row.classList.contains(filter);
  }

  function filter() {
    const words = wanted(byId("search").value);
    let shown = 0, urgentHidden = 0;
    rows.forEach((row, index) => {
      row.hidden = !passes(row, kept.filter) || !words.every((any) => any.some((word) => texts[index].includes(word)));
      if (!row.hidden) shown += 1;
      else if (row.classList.contains("urgent")) urgentHidden += 1;
    });
    for (const part of document.querySelectorAll("#rows tbody")) part.hidden = !part.querySelector("tr[id]:not([hidden])");
    const hiding = urgentHidden ? `; ${urgentHidden} urgent hidden by the search` : "";
    byId("count").textContent = words.length || kept.filter ? `${shown} of ${rows.length} shown${hiding}` : "";
    byId("count").classList.toggle("hiding", urgentHidden > 0);
    byId("clear").disabled = !byId("search").value && !kept.filter;
    for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.filter === kept.filter);
    write({ search: byId("search").value });
  }

  function choose(name) {
    write({ filter: name });
    filter();
  }

  function countAll() {
    for (const button of buttons) {
      button.querySelector("b").textContent = rows.filter((row) => passes(row, button.dataset.filter)).length;
    }
  }

  // ---------------------------------------------------------------- a newer list

  function showPause() {
    byId("paused").hidden = !paused;
    byId("pause").hidden = paused;
  }

  function pause(is) {
    paused = is;
    showPause();
    byId(is ? "resume" : "pause").focus();
  }

  // The row that the eye is on, and where on the screen it stands.
  function mark(row) {
    write({ row: row ? row.id : "", top: row ? row.getBoundingClientRect().top : 0 });
  }
  const firstInView = () => rows.find((row) => !row.hidden && row.getBoundingClientRect().bottom > 0);

  function reload() {
    const busy = Date.now() - lastTyped < 5000 || !getSelection().isCollapsed;
    if (newest === page.identity || newest === kept.loadedFor || paused || document.hidden || busy) return;
    const search = byId("search"), focused = document.activeElement;
    mark(scrollY > 0 ? firstInView() : null);
    write({
      loadedFor: newest, inSearch: focused === search, caret: search.selectionStart,
      link: focused.closest("tr[id]")?.id || "", button: focused.dataset.filter ?? null,
    });
    location.reload();
  }

  function restore() {
    const search = byId("search");
    search.value = kept.search;
    filter();
    history.scrollRestoration = "manual";
    const row = kept.row && byId(kept.row);
    if (row && !row.hidden) scrollBy(0, row.getBoundingClientRect().top - kept.top);
    const link = kept.link && byId(kept.link)?.querySelector("a");
    const button = kept.button != null && buttons.find((one) => one.dataset.filter === kept.button);
    if (kept.inSearch) {
      search.focus({ preventScroll: true });
      search.setSelectionRange(kept.caret, kept.caret);
    } else if (link || button) {
      (link || button).focus({ preventScroll: true });
    }
    write({ row: "", link: "", inSearch: false, button: null });
  }

  // Back from a report, or by its link to this list: the row stands where it stood, and has the focus.
  function opened(event) {
    const row = event.target.closest("tr[id]");
    if (!row || !event.target.closest("a")) return;
    mark(row);
    write({ link: row.id });
  }

  function showBox(state) {
    const words = { checking: "… looking whether the box runs", running: "● the box is running", stopped: "✕ no sign of life" };
    byId("box").textContent = words[state];
    byId("box").hidden = false;
    byId("stopped").hidden = state !== "stopped";
  }

  byId("searchbar").hidden = rows.length === 0;
  byId("search").addEventListener("input", () => { lastTyped = Date.now(); filter(); });
  byId("clear").addEventListener("click", () => { byId("search").value = ""; choose(""); byId("search").focus(); });
  byId("filters").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) choose(button.dataset.filter === kept.filter ? "" : button.dataset.filter);
  });
  byId("pause").addEventListener("click", () => pause(true));
  byId("resume").addEventListener("click", () => pause(false));
  document.addEventListener("click", opened);
  showPause();
  countAll();
  restore();
  watchBox(page.alive, page.pollMilliseconds, showBox, (identity) => { newest = identity; });
  setInterval(reload, 1000);
})();
