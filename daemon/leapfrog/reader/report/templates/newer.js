// Warns when there is a newer version of this report, and when the box stopped; says what became of its sheet of paper.
(() => {
  const page = document.body.dataset;
  const OF_SHEET = {
    waiting: "sheetWaits", confirmed: "sheetPrinted", refused: "sheetNotPrinted", superseded: "sheetNotPrinted",
  };
  let remove = () => {};
  let sheet = {};

  // On the page, and in the viewer, which covers it.
  function warn(of, is) {
    for (const warning of document.querySelectorAll(`[data-warns="${of}"]`)) warning.hidden = !is;
  }

  function tellOfSheet() {
    const name = OF_SHEET[sheet.paper];
    const text = name ? spoken.words(name, { time: [{ d: String(sheet.paper_at) }] }) : "";
    document.getElementById("paper").textContent = text;
  }

  // Asked when the worklist changed, and when this page comes into view again: it may have slept meanwhile.
  function askForNewer() {
    remove();
    remove = askPage(page.newest, (said) => {
      const isNewer = Number(said.version) > Number(page.version);
      warn("newer", isNewer);
      sheet = isNewer ? {} : said;
      tellOfSheet();
    });
  }

  watchBox(page.alive, page.pollMilliseconds, (state) => warn("stopped", state === "stopped"), askForNewer);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) askForNewer(); });
  document.addEventListener("spoken", tellOfSheet);
  askForNewer();
  spoken.begin();
})();
