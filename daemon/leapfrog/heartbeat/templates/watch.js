"use strict";
// Shared by the worklist and the report pages, before their own scripts and after ask.js.

// Whether the box runs, as far as this page can see. The box says another number every 8 seconds. Only whether it is
// another one counts, and how often in a row it was not: clocks may be years off, and a screen may have slept.
// `show` gets "checking", "running" or "stopped"; `hearWorklist` gets what identifies the newest worklist.
function watchBox(address, pollMilliseconds, show, hearWorklist) {
  const MOST_MISSES = 7; // 7 polls of 2 s, and 2 s each to see the last number and to judge: within 18 s
  const LONGEST_WAIT = 10; // polls, for a slow machine or network to load one small page
  const kept = Object.assign({ beat: "", misses: 0, state: "checking" }, read());
  let remove = () => {};
  let heard = true; // another number since the last poll
  let waited = 0; // polls since the page was asked that has not answered yet; 0 when it has

  // It outlives a reload of the page, so that a page that keeps reloading notices too.
  function read() {
    try { return JSON.parse(sessionStorage.getItem("leapfrog-box")) || {}; } catch { return {}; }
  }
  function keep(state) {
    kept.state = state;
    try { sessionStorage.setItem("leapfrog-box", JSON.stringify(kept)); } catch { /* then it starts anew */ }
    show(state);
  }

  function hear(said) {
    waited = 0;
    if (typeof said.beat !== "string" || said.beat === kept.beat) return;
    const isFirst = kept.beat === "";
    kept.beat = said.beat;
    kept.misses = 0;
    heard = true;
    keep(isFirst ? "checking" : "running");
    if (said.worklist) hearWorklist(String(said.worklist));
  }

  function poll() {
    if (document.hidden) return;
    if (!heard) kept.misses += 1;
    heard = false;
    if (kept.misses >= MOST_MISSES) keep("stopped");
    if (waited > 0 && waited < LONGEST_WAIT) { waited += 1; return; }
    waited = 1;
    remove();
    remove = askPage(address, hear);
  }

  show(kept.state);
  poll();
  setInterval(poll, Number(pollMilliseconds));
  document.addEventListener("visibilitychange", poll);
}
