"use strict";
parent.postMessage({ ...document.body.dataset }, location.protocol === "file:" ? "*" : location.origin);
