// Answers the searches of the worklist that frames this page, and nobody else.
(() => {
  const fromDisk = location.protocol === "file:";
  const rows = new Rows();
  document.addEventListener("spoken", () => rows.read());
  if (parent === self) spoken.begin();
  addEventListener("message", async ({ source, origin, data }) => {
    if (source !== parent || parent === self || !(fromDisk ? origin === "null" : origin === location.origin)) return;
    await spoken.choose(data.language); // so that it is found, and shown, in the words of the worklist
    const found = rows.found(data);
    const shown = found.slice(0, data.most).map((row) => row.outerHTML);
    const urgent = found.filter((row) => row.classList.contains("urgent")).length;
    source.postMessage({ search: data.search, total: found.length, urgent, shown }, fromDisk ? "*" : origin);
  });
})();
