"use strict";
// Where this device has no font for a letter, staff read [?], as on paper, and a line that says why; no row of boxes.
const drawing = (() => {
  const ABSENT = ["\u0378", "\u{2fffd}"]; // code points that are no characters: drawn as any letter that no font has
  const canvas = document.createElement("canvas").getContext("2d");
  const known = new Map();

  function shape(letter) {
    const size = canvas.measureText(letter);
    return [size.width, size.actualBoundingBoxAscent, size.actualBoundingBoxDescent, size.actualBoundingBoxLeft,
      size.actualBoundingBoxRight].map((one) => one.toFixed(2)).join();
  }

  function isDrawn(letter) {
    if (!known.has(letter)) known.set(letter, shape(letter) !== shape(ABSENT[letter.length - 1]));
    return known.get(letter);
  }

  // The text with [?] for each run of letters, with their marks, that cannot be drawn.
  function shown(text) {
    let said = "", missing = false;
    for (const letter of text) {
      if (missing && /[\p{M}\p{Cf}]/u.test(letter)) continue;
      missing = letter > "\u024f" && /[\p{L}\p{N}\p{S}]/u.test(letter) && !isDrawn(letter);
      if (!missing) said += letter;
      else if (!said.endsWith("[?]")) said += "[?]";
    }
    return said;
  }

  // Looks at all names, numbers and other values below `root`, once the fonts of this page are there that they need.
  async function check(root) {
    const values = [...root.querySelectorAll("bdi")], font = `600 40px ${getComputedStyle(document.body).fontFamily}`;
    try {
      await document.fonts.load(font, values.map((value) => value.textContent).join(""));
    } catch { /* a font that is gone draws nothing: then the device's own fonts count */ }
    canvas.font = font;
    for (const value of values) {
      const text = value.textContent, said = shown(text);
      if (said === text) continue;
      value.title = text;
      value.textContent = said;
      document.getElementById("undrawn").hidden = false;
    }
  }

  if (parent === self) check(document);
  return { check };
})();
