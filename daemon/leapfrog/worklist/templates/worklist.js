// The page works without this script, which adds the search, reloads the list, and warns when the box stopped.
(() => {
  const page = document.body.dataset;
  const byId = (id) => document.getElementById(id);
  const searched = new Rows();
  const rows = searched.rows;
  const buttons = [...byId("filters").children];
  const MOST_OLDER = 50; // shown at once
  const MORE_OLDER = 200; // each time that somebody wants to see more
  const SIGNS_OF_PEOPLE = ["pointermove", "pointerdown", "keydown", "wheel", "focusin"];
  const kept = Object.assign({ search: "", filter: "", most: MOST_OLDER, seen: [] }, read());
  const MOST_AHEAD = 60; // pages that are fetched before a search: more than 5,000 exams
  const AT_ONCE = 8; // pages that are loaded at the same time
  const target = location.protocol === "file:" ? "*" : location.origin;
  const older = [...document.querySelectorAll("#older a")].map((link) => ({
    address: link.getAttribute("href"), counts: link.dataset.n.split(" ").map(Number), frame: null, ready: false, answer: null,
  }));
  let current = { search: 0, query: "", filter: "" };
  let loading = 0, toLoad = 0, toShow = 0;
  let back = null; // the row of an older exam to come back to, once it is found again
  let busyUntil = 0; // by this page's own clock: somebody types, or has just marked some text
  let paused = false; // never kept: whoever opens or reloads the page sees what is new
  let newest = page.identity;
  let boxState = "";

  // What survives a reload. A browser may forbid the storage; then only the search and the place are lost.
  function read() {
    try { return JSON.parse(sessionStorage.getItem("leapfrog-worklist")) || {}; } catch { return {}; }
  }
  function write(values) {
    Object.assign(kept, values);
    try { sessionStorage.setItem("leapfrog-worklist", JSON.stringify(kept)); } catch { /* see read() */ }
  }

  // ---------------------------------------------------------------- the search

  function filter() {
    const typed = byId("search").value, query = typed.trim();
    if (typed !== kept.search || kept.filter !== current.filter) write({ most: MOST_OLDER });
    write({ search: typed });
    current = {
      search: current.search + 1, query, filter: kept.filter, today: page.today, most: kept.most, language: spoken.code(),
    };
    const found = new Set(searched.found(current));
    for (const row of rows) row.hidden = !found.has(row);
    for (const part of document.querySelectorAll("#rows tbody:not(#older-rows)")) showPart(part);
    noteSeen();
    for (const one of older) one.answer = null;
    if (!isAll()) {
      older.forEach(ask);
      loadOlder();
    }
    showOlder();
    byId("clear").disabled = isAll();
    for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.filter === kept.filter);
  }

  // How many exams a part of the list shows, of how many.
  function showPart(part) {
    const inPart = [...part.querySelectorAll("tr[class]")], shown = inPart.filter((row) => !row.hidden).length;
    part.hidden = !shown;
    part.querySelector("th span").textContent = shown < inPart.length
      ? spoken.words("ofAll", { count: shown, all: inPart.length }) : spoken.number(shown);
  }

  // The answers of before stay until there are new ones, so that nothing moves.
  function showMore() {
    write({ most: kept.most + MORE_OLDER });
    current = { ...current, search: current.search + 1, most: kept.most };
    older.forEach(ask);
  }

  function choose(name) {
    write({ filter: name });
    filter();
  }

  function countAll() {
    for (const button of buttons) {
      const name = button.dataset.filter;
      const here = rows.filter((row) => Rows.passes(row, name, page.today)).length;
      const place = ["", "urgent", "person", "unassessed", "unsent", "answered"].indexOf(name);
      const there = place < 0 ? 0 : older.reduce((sum, one) => sum + one.counts[place], 0);
      const more = place < 0 && older.length && here === rows.length ? "+" : ""; // older pages may have some of today too
      button.querySelector("b").textContent = spoken.number(here + there) + more;
    }
  }

  // ---------------------------------------------------------------- older exams

  // Each page of them is framed, and answers; it is asked again for each search. The newest are fetched as soon as
  // somebody is at this screen, so that the first search finds them there, but not for a screen that nobody touches.
  const isAll = () => !current.query && !current.filter;
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
    one.frame.title = spoken.words("forSearch");
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
    toShow = setTimeout(showOlder, older.every(({ answer }) => answer?.search === current.search) ? 0 : 50);
  }

  // What the pages of older exams found, below the rest. They are our own pages, and this page's policy runs nothing.
  function showOlder() {
    const answers = isAll() ? [] : older.map((one) => one.answer).filter(Boolean);
    const lines = answers.flatMap((answer) => answer.shown).slice(0, kept.most);
    const total = answers.reduce((sum, answer) => sum + Number(answer.total), 0);
    const template = document.createElement("template");
    template.innerHTML = `<tr><th colspan="4" scope="rowgroup"></th></tr>${lines.join("")}`;
    const count = document.createElement("span");
    count.textContent = lines.length < total
      ? spoken.words("ofAll", { count: lines.length, all: total }) : spoken.number(lines.length);
    template.content.querySelector("th").append(spoken.words("older"), " ", count);
    for (const link of template.content.querySelectorAll("a")) {
      link.setAttribute("href", link.getAttribute("href").replace(/^\.\.\//, ""));
    }
    const part = byId("older-rows");
    if (part) {
      part.replaceChildren(template.content);
      part.hidden = !lines.length;
      drawing.check(part);
    }
    byId("more").hidden = lines.length >= total;
    byId("more").textContent = spoken.words("more", { count: Math.min(MORE_OLDER, total - lines.length) });
    showCount(lines.length, total, answers.length < older.length);
    comeBack();
  }

  // What is shown, and of the newest urgent exams what is not: those that came meanwhile apart, since nobody saw them yet.
  function showCount(olderShown, olderFound, looking) {
    const here = rows.filter((row) => !row.hidden).length;
    const count = here + olderShown, found = here + olderFound;
    const all = rows.length + older.reduce((total, one) => total + one.counts[0], 0);
    const hidden = newestUrgent().filter((row) => row.hidden);
    const unseen = hidden.filter((row) => !kept.seen.includes(addressOf(row))).length;
    const by = !kept.filter ? "Search" : !current.query ? "Filter" : "Both";
    const button = buttons.find((one) => one.dataset.filter === kept.filter);
    const values = { query: current.query, filter: button ? button.firstChild.textContent.trim() : "" };
    const sentences = isAll() ? [] : [
      ["paper", spoken.words(`part${by}`, values)],
      ["", count < found ? spoken.words("ofFound", { count, found, all }) : spoken.words("found", { count, all })],
      ["", looking ? spoken.words("looking") : !found && spoken.words("none")],
      ["", hidden.length > unseen && spoken.words(`hidden${by}`, { count: hidden.length - unseen })],
      ["hiding", unseen && spoken.words("unseen", { count: unseen })],
    ];
    byId("count").replaceChildren(...sentences.filter(([, sentence]) => sentence).flatMap(([name, sentence]) => {
      const one = document.createElement("span");
      one.className = name;
      one.textContent = sentence;
      return [one, " "];
    }));
  }

  const newestUrgent = () => rows.filter((row) => row.closest("tbody").className === "urgent");
  function noteSeen() {
    const newest = newestUrgent(), seen = kept.seen || [];
    const known = (row) => !row.hidden || seen.includes(addressOf(row));
    write({ seen: newest.filter(known).map(addressOf) });
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
    current.filter = kept.filter; // as before the reload: as much is shown as then
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
    boxState = state;
    byId("box").textContent = spoken.words(state);
    byId("box").hidden = false;
    byId("stopped").hidden = state !== "stopped";
  }

  byId("searchbar").hidden = rows.length === 0;
  byId("search").addEventListener("input", () => { busyFor(5000); filter(); });
  byId("more").addEventListener("click", showMore);
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
  document.addEventListener("spoken", () => {
    searched.read();
    countAll();
    filter();
    if (boxState) showBox(boxState);
  });
  spoken.begin();
  watchBox(page.alive, page.pollMilliseconds, showBox, (identity) => { newest = identity; });
  setInterval(reload, 1000);
})();
