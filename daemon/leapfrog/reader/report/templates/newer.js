// Warns when there is a newer version of this report, and when the box stopped; says what became of its sheet of paper.
(() => {
  const page = document.body.dataset;
  const byId = (id) => document.getElementById(id);
  let remove = () => {};

  // Asked when the worklist changed, and when this page comes into view again: it may have slept meanwhile.
  function askForNewer() {
    remove();
    remove = askPage(page.newest, (said) => {
      const newer = Number(said.version) > Number(page.version);
      byId("newer").hidden = !newer;
      byId("paper").textContent = newer ? "" : String(said.paper || "");
    });
  }

  watchBox(page.alive, page.pollMilliseconds, (state) => { byId("stopped").hidden = state !== "stopped"; }, askForNewer);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) askForNewer(); });
  askForNewer();
})();
