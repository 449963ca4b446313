"use strict";
// Shared by the worklist and the report pages, before their own scripts and after ask.js.

// Whether the box runs, as far as this page can see. The box says another number every 8 seconds. Only whether it is
// another one counts, and how often in a row it was not: clocks may be years off, and a screen may have slept.
// `show` gets "checking", "running" or "stopped"; `hearWorklist` gets what identifies the newest worklist.
function watchBox(address, pollMilliseconds, show, hearWorklist) {
  const MOST_MISSES = 7; // 7 polls of 2 s, and 2 s each to see the last number and to judge: within 18 s
  const MOST_SAME = 5; // polls; a number in memory that is older than that may be of a box that runs elsewhere by now
  const MOST_ASKED = 5; // at once: a slow machine or network may need as many polls to load one small page
  const kept = Object.assign({ beats: {}, misses: 0, state: "checking" }, read());
  // The box says the same in two places: in its memory, for whoever sees its own files, and on the disk, for others,
  // such as those of a shared folder. On the disk it is said only while somebody listens there, to spare the disk. So
  // what a place says that was not asked a moment ago may be old: it is compared, and proves nothing yet.
  const memory = placeAt("memory", address.replace(/[^/]*$/, "alive.now.html"));
  const disk = placeAt("disk", address);
  let heard = true; // another number since the last poll

  function placeAt(name, at) {
    // `asked`: the frames that have not spoken yet, as functions that remove them; the oldest first.
    // `same`: the polls since it said another number.
    return { name, at, asked: [], count: 0, spoke: false, everSpoke: false, same: 0 };
  }

  // It outlives a reload of the page, so that a page that keeps reloading notices too.
  function read() {
    try { return JSON.parse(sessionStorage.getItem("leapfrog-box-2")) || {}; } catch { return {}; }
  }
  function write() {
    try { sessionStorage.setItem("leapfrog-box-2", JSON.stringify(kept)); } catch { /* then it starts anew */ }
  }
  function keep(state) {
    kept.state = state;
    write();
    show(state);
  }

  // Whoever copies the folder copies the link to the memory, too. What is opened by another path hears the disk.
  function isOfCopy(place, folder) {
    if (place !== memory || !folder || location.protocol !== "file:") return false;
    try { return !decodeURIComponent(location.pathname).startsWith(`${folder}/`); } catch { return true; }
  }

  function hear(place, said) {
    for (const remove of place.asked.splice(0)) remove();
    if (typeof said.beat !== "string" || isOfCopy(place, said.folder)) return;
    place.spoke = place.everSpoke = true;
    const before = kept.beats[place.name];
    const isVeryFirst = Object.keys(kept.beats).length === 0;
    kept.beats[place.name] = said.beat;
    if (said.beat === before) return;
    place.same = 0;
    if (before === undefined && !isVeryFirst) { write(); return; }
    kept.misses = 0;
    heard = true;
    keep(isVeryFirst ? "checking" : "running");
    if (said.worklist) hearWorklist(String(said.worklist));
  }

  function ask(place) {
    // A request may be lost, and an answer slow: so the page is asked again while the first frame may still speak. Under
    // the same name a browser's cache would let the second wait for the first.
    if (place.asked.length === MOST_ASKED) place.asked.shift()();
    place.count += 1;
    const at = place.asked.length ? `${place.at}?${place.count}` : place.at;
    place.asked.push(askPage(at, (said) => hear(place, said)));
  }

  function poll() {
    if (document.hidden) return;
    if (!heard) kept.misses += 1;
    heard = false;
    if (kept.misses >= MOST_MISSES) keep("stopped");
    memory.same += 1;
    if (memory.spoke && memory.same <= MOST_SAME) delete kept.beats.disk;
    else ask(disk);
    memory.spoke = false;
    if (memory.everSpoke || memory.count < MOST_ASKED) ask(memory);
  }

  show(kept.state);
  poll();
  setInterval(poll, Number(pollMilliseconds));
  document.addEventListener("visibilitychange", poll);
}
