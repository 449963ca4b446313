// Answers the searches of the worklist that frames this page, and nobody else. Opened by itself, it warns when the box stopped.
(() => {
  const fromDisk = location.protocol === "file:";
  const rows = new Rows();
  const page = document.body.dataset;
  if (parent === self) {
    const show = (state) => { document.getElementById("stopped").hidden = state !== "stopped"; };
    watchBox(page.alive, page.pollMilliseconds, show, () => { /* these exams are old: they change seldom */ });
  }
  addEventListener("message", ({ source, origin, data }) => {
    if (source !== parent || parent === self || !(fromDisk ? origin === "null" : origin === location.origin)) return;
    const found = rows.found(data);
    const shown = found.slice(0, data.most).map((row) => row.outerHTML);
    const urgent = found.filter((row) => row.classList.contains("urgent")).length;
    source.postMessage({ search: data.search, total: found.length, urgent, shown }, fromDisk ? "*" : origin);
  });
})();
