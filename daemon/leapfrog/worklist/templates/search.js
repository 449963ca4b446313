"use strict";
// How exams are found. Shared by the worklist and the pages of older exams.

// Text without capitals and accents. Normalization does not split these letters into a base letter and an accent.
function folded(text) {
  const plain = { ł: "l", ø: "o", đ: "d", ħ: "h", ı: "i", ß: "ss", æ: "ae", œ: "oe" };
  return text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replace(/[łøđħıßæœ]/g, (letter) => plain[letter])
    .replace(/\s+/g, " ").trim();
}

// The rows of this page that a search finds. `words`: for each word, what may stand in a row for it.
class Rows {
  constructor() {
    this.rows = [...document.querySelectorAll("#rows tr[class]")];
    this.read();
  }

  // Anew, when the page says something else.
  read() {
    this.texts = this.rows.map((row) => folded(`${row.textContent} ${row.dataset.found || ""}`));
  }

  found({ words, filter, today }) {
    return this.rows.filter((row, index) => Rows.passes(row, filter, today)
      && words.every((any) => any.some((word) => this.texts[index].includes(word))));
  }

  static passes(row, filter, today) {
    if (filter === "today") return row.querySelector("a").getAttribute("href").replace("../", "").startsWith(today);
    return !filter || row.classList.contains(filter);
  }
}
