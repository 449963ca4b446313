"use strict";
// Shared by all pages, before their own scripts.

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
