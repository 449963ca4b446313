"use strict";
// Shared by the worklist and the report pages, before their own scripts.

// Frames the page at `address` without showing it, and gives what it says to `hear`. Returns a function that removes it.
function askPage(address, hear) {
  const frame = document.createElement("iframe");
  const listen = (event) => {
    if (event.source === frame.contentWindow && event.data && typeof event.data === "object") hear(event.data);
  };
  addEventListener("message", listen);
  frame.hidden = true;
  frame.title = "For this page only";
  frame.src = address;
  document.body.append(frame);
  return () => { removeEventListener("message", listen); frame.remove(); };
}

// Whether the box runs, as far as this page can see. The box says another number every 8 seconds. Only whether it is
// another one counts, and how often in a row it was not: clocks may be years off, and a screen may have slept.
// `show` gets "checking", "running" or "stopped"; `hearWorklist` gets what identifies the newest worklist.
function watchBox(address, pollMilliseconds, show, hearWorklist) {
  const MOST_MISSES = 7; // 7 polls of 2 s, and 2 s each to see the last number and to judge: within 18 s
  const MOST_ASKED = 5; // at once: a slow machine or network may need as many polls to load one small page
  const kept = Object.assign({ beat: "", misses: 0, state: "checking" }, read());
  const asked = []; // the frames that have not spoken yet, as functions that remove them; the oldest first
  let heard = true; // another number since the last poll
  let count = 0; // of frames

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
    for (const remove of asked.splice(0)) remove();
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
    // A request may be lost, and an answer slow: so the page is asked again while the first frame may still speak. Under
    // the same name a browser's cache would let the second wait for the first.
    if (asked.length === MOST_ASKED) asked.shift()();
    count += 1;
    asked.push(askPage(asked.length ? `${address}?${count}` : address, hear));
  }

  show(kept.state);
  poll();
  setInterval(poll, Number(pollMilliseconds));
  document.addEventListener("visibilitychange", poll);
}
