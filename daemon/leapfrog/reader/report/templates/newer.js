// Warns when there is a newer version of this report, and when the box stopped.
(() => {
  const page = document.body.dataset;
  let remove = () => {};

  // On the page, and in the viewer, which covers it.
  function warn(of, is) {
    for (const warning of document.querySelectorAll(`[data-warns="${of}"]`)) warning.hidden = !is;
  }

  // Asked when the worklist changed, and when this page comes into view again: it may have slept meanwhile.
  function askForNewer() {
    remove();
    remove = askPage(page.newest, (said) => warn("newer", Number(said.version) > Number(page.version)));
  }

  watchBox(page.alive, page.pollMilliseconds, (state) => warn("stopped", state === "stopped"), askForNewer);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) askForNewer(); });
  askForNewer();
})();
