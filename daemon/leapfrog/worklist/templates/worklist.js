// The page works without this script, which adds the search, reloads the list, and warns when the box stopped.
(() => {
  const page = document.body.dataset;
  const byId = (id) => document.getElementById(id);
  const searched = new Rows();
  const rows = searched.rows;
  const kept = Object.assign({ search: "", filter: "" }, read());
  const buttons = [...byId("filters").children];
  const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
  const MONTH = "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    + "|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?";
  const MOST_OLDER = 50; // shown at once
  const SIGNS_OF_PEOPLE = ["pointermove", "pointerdown", "keydown", "wheel", "focusin"];
  const MOST_AHEAD = 60; // pages that are fetched before a search: more than 5,000 exams
  const AT_ONCE = 8; // pages that are loaded at the same time
  const target = location.protocol === "file:" ? "*" : location.origin;
  const older = [...document.querySelectorAll("#older a")].map((link) => ({
    address: link.getAttribute("href"), counts: link.dataset.n.split(" ").map(Number), frame: null, ready: false, answer: null,
  }));
  let current = { search: 0, words: [], filter: "" };
  let loading = 0, toLoad = 0, toShow = 0;
  let back = null; // the row of an older exam to come back to, once it is found again
  let busyUntil = 0; // by this page's own clock: somebody types, or has just marked some text
  let paused = false; // never kept: whoever opens or reloads the page sees what is new
  let newest = page.identity;

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

  function filter() {
    const words = wanted(byId("search").value);
    current = { search: current.search + 1, words, filter: kept.filter, today: page.today, most: MOST_OLDER };
    const found = new Set(searched.found(current));
    for (const row of rows) row.hidden = !found.has(row);
    for (const part of document.querySelectorAll("#rows tbody:not(#older-rows)")) {
      part.hidden = !part.querySelector("tr[class]:not([hidden])");
    }
    for (const one of older) one.answer = null;
    if (!isAll()) {
      older.forEach(ask);
      loadOlder();
    }
    showOlder();
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
      const name = button.dataset.filter;
      const here = rows.filter((row) => Rows.passes(row, name, page.today)).length;
      const place = ["", "urgent", "person", "not_assessed", "unsent"].indexOf(name);
      const there = place < 0 ? 0 : older.reduce((sum, one) => sum + one.counts[place], 0);
      const more = place < 0 && older.length && here === rows.length ? "+" : ""; // older pages may have some of today too
      button.querySelector("b").textContent = (here + there).toLocaleString("en") + more;
    }
  }

  // ---------------------------------------------------------------- older exams

  // Each page of them is framed, and answers; it is asked again for each search. The newest are fetched as soon as
  // somebody is at this screen, so that the first search finds them there, but not for a screen that nobody touches.
  const isAll = () => !current.words.length && !current.filter;
  function ask(one) {
    if (one.ready && !isAll()) one.frame.contentWindow.postMessage(current, target);
  }
  const whenIdle = (work) => (window.requestIdleCallback ? requestIdleCallback(work) : setTimeout(work, 50));
  function somebodyIsHere() {
    for (const sign of SIGNS_OF_PEOPLE) removeEventListener(sign, somebodyIsHere);
    whenIdle(() => loadOlder(MOST_AHEAD));
  }
  function loadOlder(count = older.length) {
    toLoad = Math.max(toLoad, count);
    loadNext();
  }
  function loadNext() {
    const next = older.slice(0, toLoad).find((one) => !one.frame);
    if (!next || loading >= AT_ONCE) return;
    load(next);
    loadNext();
  }

  function load(one) {
    loading += 1;
    one.frame = document.createElement("iframe");
    one.frame.hidden = true;
    one.frame.title = "Older exams, for the search";
    one.frame.addEventListener("load", () => {
      loading -= 1;
      one.ready = true;
      ask(one);
      loadNext();
    });
    one.frame.src = one.address;
    document.body.append(one.frame);
  }

  function answered({ source, data }) {
    const one = older.find(({ frame }) => frame && frame.contentWindow === source);
    if (!one || !data || data.search !== current.search || !Array.isArray(data.shown)) return;
    one.answer = data;
    clearTimeout(toShow); // once for all that answer, so that a list is not made for each of them
    toShow = setTimeout(showOlder, older.every(({ answer }) => answer) ? 0 : 50);
  }

  // What the pages of older exams found, below the rest. They are our own pages, and this page's policy runs nothing.
  function showOlder() {
    const answers = isAll() ? [] : older.map((one) => one.answer).filter(Boolean);
    const lines = answers.flatMap((answer) => answer.shown).slice(0, MOST_OLDER);
    const template = document.createElement("template");
    template.innerHTML = `<tr><th colspan="4" scope="rowgroup">Older exams</th></tr>${lines.join("")}`;
    for (const link of template.content.querySelectorAll("a")) {
      link.setAttribute("href", link.getAttribute("href").replace(/^\.\.\//, ""));
    }
    const part = byId("older-rows");
    if (part) {
      part.replaceChildren(template.content);
      part.hidden = !lines.length;
      drawing.check(part);
    }
    showCount(answers, lines.length);
    comeBack();
  }

  function showCount(answers, olderShown) {
    const sum = (of) => answers.reduce((total, answer) => total + Number(answer[of]), 0);
    const hiddenRows = rows.filter((row) => row.hidden && row.classList.contains("urgent"));
    const shown = rows.filter((row) => !row.hidden).length + olderShown;
    const all = rows.length + older.reduce((total, one) => total + one.counts[0], 0);
    const hiding = hiddenRows.length ? `; ${hiddenRows.length} urgent hidden by the search` : "";
    const more = sum("total") > olderShown ? `; ${(sum("total") - olderShown).toLocaleString("en")} more match: say more` : "";
    const looking = answers.length < older.length ? "; still looking through older exams" : "";
    byId("count").textContent = isAll() ? ""
      : `${shown.toLocaleString("en")} of ${all.toLocaleString("en")} shown${more}${looking}${hiding}`;
    byId("count").classList.toggle("hiding", hiddenRows.length > 0);
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

  // A row is known by the address of its report.
  const addressOf = (row) => row?.querySelector("a")?.getAttribute("href") || "";
  const linkTo = (address) => [...document.querySelectorAll("#rows td a")].find((one) => one.getAttribute("href") === address);

  // The row that the eye is on, and where on the screen it stands.
  function mark(row) {
    write({ row: addressOf(row), top: row ? row.getBoundingClientRect().top : 0 });
  }
  const firstInView = () => [...document.querySelectorAll("#rows tr[class]")]
    .find((row) => row.getBoundingClientRect().bottom > 0 && !row.hidden);

  function busyFor(milliseconds) {
    busyUntil = Math.max(busyUntil, performance.now() + milliseconds);
  }

  function reload() {
    const busy = performance.now() < busyUntil;
    if (newest === page.identity || newest === kept.loadedFor || paused || document.hidden || busy) return;
    const search = byId("search"), focused = document.activeElement;
    mark(scrollY > 0 ? firstInView() : null);
    write({
      loadedFor: newest, inSearch: focused === search, caret: search.selectionStart,
      link: addressOf(focused.closest("#rows tr[class]")), button: focused.dataset.filter ?? null,
    });
    location.reload();
  }

  function restore() {
    const search = byId("search");
    search.value = kept.search;
    filter();
    history.scrollRestoration = "manual";
    back = { row: kept.row, top: kept.top, link: kept.inSearch ? "" : kept.link };
    const button = kept.button != null && buttons.find((one) => one.dataset.filter === kept.button);
    if (kept.inSearch) {
      search.focus({ preventScroll: true });
      search.setSelectionRange(kept.caret, kept.caret);
    } else if (button) {
      button.focus({ preventScroll: true });
    }
    comeBack();
    write({ row: "", link: "", inSearch: false, button: null });
  }

  // At once, or when an older exam is found again.
  function comeBack() {
    const row = back?.row && linkTo(back.row)?.closest("tr"), link = back?.link && linkTo(back.link);
    if (row && !row.hidden) {
      scrollBy(0, row.getBoundingClientRect().top - back.top);
      back.row = "";
    }
    if (link) {
      link.focus({ preventScroll: true });
      back.link = "";
    }
  }

  // Back from a report, or by its link to this list: the row stands where it stood, and has the focus.
  function opened(event) {
    const row = event.target.closest("#rows tr[class]");
    if (!row || !event.target.closest("a")) return;
    mark(row);
    write({ link: addressOf(row) });
  }

  function showBox(state) {
    const words = { checking: "… looking whether the box runs", running: "● the box is running", stopped: "✕ no sign of life" };
    byId("box").textContent = words[state];
    byId("box").hidden = false;
    byId("stopped").hidden = state !== "stopped";
  }

  byId("searchbar").hidden = rows.length === 0;
  byId("search").addEventListener("input", () => { busyFor(5000); filter(); });
  byId("clear").addEventListener("click", () => { byId("search").value = ""; choose(""); byId("search").focus(); });
  byId("filters").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) choose(button.dataset.filter === kept.filter ? "" : button.dataset.filter);
  });
  byId("pause").addEventListener("click", () => pause(true));
  byId("resume").addEventListener("click", () => pause(false));
  document.addEventListener("click", opened);
  document.addEventListener("selectionchange", () => { if (!getSelection().isCollapsed) busyFor(10_000); });
  addEventListener("message", answered);
  byId("search").addEventListener("focus", () => loadOlder());
  for (const sign of SIGNS_OF_PEOPLE) addEventListener(sign, somebodyIsHere, { passive: true });
  showPause();
  countAll();
  restore();
  watchBox(page.alive, page.pollMilliseconds, showBox, (identity) => { newest = identity; });
  setInterval(reload, 1000);
})();
