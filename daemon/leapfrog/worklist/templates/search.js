"use strict";
// How exams are found. Shared by the worklist and the pages of older exams.
//
// Each word of a search must be found in a row: in a name, in a number, in a date, or in what else stands there. Several
// words in a row can be one date (`28 Nov 2026`), one number (`MRN 00 77 12`) or a phrase (`not assessed`).

// ---------------------------------------------------------------- letters

// What normalization does not split into a letter and an accent, and letters that keyboards and people take for one
// another: Arabic ones, and Ethiopic ones of the same sound, each with its seven vowels.
const SAME_LETTERS = {
  ł: "l", ø: "o", đ: "d", ħ: "h", ı: "i", ß: "ss", æ: "ae", œ: "oe",
  "\u0649": "\u064a", "\u06cc": "\u064a", "\u06a9": "\u0643", "\u0629": "\u0647",
};
const SAME_SOUNDS = [[0x1210, 0x1200], [0x1280, 0x1200], [0x1220, 0x1230], [0x12d0, 0x12a0], [0x1340, 0x1338]];
const IN_TWO_LETTERS = { ä: "ae", ö: "oe", ü: "ue", å: "aa", ø: "oe", æ: "ae" };
const VOWELS = 7;

function digit(letter) {
  const code = letter.codePointAt(0), zero = /\p{Nd}/u.test(String.fromCodePoint(code & ~15)) ? 0 : 6;
  return String((code & 15) - zero); // a script's digits begin at a multiple of 16, or 6 after it
}

function sameSound(letter) {
  const code = letter.charCodeAt(0);
  const [from, to] = SAME_SOUNDS.find(([first]) => code >= first && code < first + VOWELS);
  return String.fromCharCode(code - from + to);
}

// Text without capitals, accents and apostrophes, with one kind of dash, blank and digit. Marks that are a letter's vowel
// stay, as in Hindi.
function folded(text) {
  const isPlain = /^[ -~\s]*$/.test(text); // most are, and a list has thousands
  return (isPlain ? text.toLowerCase().replace(/['`]/g, "") : withoutAccents(text)).replace(/\s+/g, " ").trim();
}

function withoutAccents(text) {
  return text.normalize("NFKD").toLowerCase()
    .replace(/[\p{Cf}\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670'’‘ʼʻ`´′]/gu, "")
    .replace(/[łøđħıßæœ\u0649\u06cc\u06a9\u0629]/g, (letter) => SAME_LETTERS[letter])
    .replace(/[\u1210-\u1216\u1220-\u1226\u1280-\u1286\u12d0-\u12d6\u1340-\u1346]/g, sameSound)
    .replace(/(?![0-9])\p{Nd}/gu, digit)
    .replace(/[\p{Pd}−]/gu, "-");
}

// The ways to write a name without the accents of Müller or Åberg, and to look for Mueller.
function spellings(text) {
  const lower = text.normalize("NFC").toLowerCase();
  const inTwo = lower.replace(/[äöüåøæ]/g, (letter) => IN_TWO_LETTERS[letter]);
  return inTwo === lower ? [folded(text)] : [folded(text), folded(inTwo)];
}

const split = (text) => text.match(/[\p{L}\p{M}\d]+/gu) || [];
const compact = (text) => split(text).join("");
const groups = (text) => text.match(/\d+|[^\d]+/g) || [];

// ---------------------------------------------------------------- dates

const MONTHS = "january february march april may june july august september october november december".split(" ");
const WEEKDAYS = "sunday monday tuesday wednesday thursday friday saturday".split(" ");
const YEARS = [1850, 2199];

const begins = (names, word) => (word.length < 3 ? -1 : names.findIndex((name) => name.startsWith(word)));
const two = (number) => String(Number(number)).padStart(2, "0");

function daysBefore(today, days) {
  const day = new Date(`${today}T12:00:00Z`);
  day.setUTCDate(day.getUTCDate() - days);
  return day.toISOString().slice(0, 10);
}

// Dates as a pattern of YYYY-MM-DD, from what was typed; "" if it cannot be one. Each of the three may be missing.
function dated(year, month, day) {
  const isYear = !year || (year.length === 4 && year >= YEARS[0] && year <= YEARS[1]) || year.length === 2;
  const isDay = (!month || (month >= 1 && month <= 12)) && (!day || (day >= 1 && day <= 31));
  if (!isYear || !isDay) return "";
  const century = year && year.length === 2 ? "(19|20)" : "";
  return `^${century}${year || "\\d{4}"}-${month ? two(month) : "\\d{2}"}-${day ? two(day) : ""}`;
}

// What three or two numbers can mean as a date, in any order that people use.
function numericDates(parts) {
  const [first, second, third] = parts;
  if (first.length === 4) return [dated(first, second, third)];
  if (third) return [dated(third, second, first), dated(third, first, second)];
  const isYear = second.length === 4 || second > 31;
  return isYear ? [dated(second, first)] : [dated("", second, first), dated("", first, second)];
}

function datesInOneNumber(digits) {
  const cut = (...places) => places.map(([from, to]) => digits.slice(from, to));
  if (digits.length === 4) return [dated(digits)];
  if (digits.length === 6) {
    const parts = cut([0, 2], [2, 4], [4, 6]);
    return [...numericDates(parts), dated(...parts)];
  }
  if (digits.length !== 8) return [];
  return [...numericDates(cut([0, 4], [4, 6], [6, 8])), ...numericDates(cut([0, 2], [2, 4], [4, 8]))];
}

// `28 nov 2026`, `nov 28`, `2024 jan 30`, `jan 2024`. `parts` has one month, as its number from 1.
function namedDates(parts, place, month) {
  const numbers = parts.filter((part, index) => index !== place);
  if (numbers.length === 1) {
    const isYear = numbers[0].length === 4 || numbers[0] > 31;
    return [isYear ? dated(numbers[0], month) : dated("", month, numbers[0])];
  }
  return [numbers[0].length === 4 ? dated(numbers[0], month, numbers[1]) : dated(numbers[1], month, numbers[0])];
}

// The dates that `words` can mean all together, as a pattern; null if they are none. `born`: may be a date of birth.
function datesOf(words, today) {
  const text = words.join(" ");
  const exactly = (day) => ({ pattern: new RegExp(`^${day}`), born: false });
  if (text === "today") return exactly(today);
  if (text === "yesterday") return exactly(daysBefore(today, 1));
  if (WEEKDAYS.includes(text)) {
    return exactly(daysBefore(today, (new Date(`${today}T12:00:00Z`).getUTCDay() - WEEKDAYS.indexOf(text) + 7) % 7));
  }
  if (/[^\p{L}\d ./,-]/u.test(text)) return null;
  const parts = (text.replace(/(\d)(?:st|nd|rd|th)\b/g, "$1").match(/\d+|\p{L}+/gu) || []).filter((part) => part !== "of");
  if (parts.length > 2 && begins(WEEKDAYS, parts[0]) >= 0) parts.shift();
  const places = parts.flatMap((part, index) => (/\d/.test(part) ? [] : [index]));
  if (parts.length < 1 || parts.length > 3 || places.length > 1) return null;
  let patterns = [];
  if (places.length) {
    const month = begins(MONTHS, parts[places[0]]) % 12 + 1;
    if (!month) return null;
    if (parts.length === 1) return MONTHS.includes(parts[0]) ? exactly(dated("", month).slice(1)) : null;
    patterns = namedDates(parts, places[0], month);
  } else if (parts.length === 1) {
    patterns = words.length === 1 ? datesInOneNumber(parts[0]) : [];
  } else if (words.length === 1 || parts.some((part) => part.length === 4)) { // `28 11` are two numbers
    patterns = words.length > 1 && parts.length < 3 ? [] : numericDates(parts);
  }
  patterns = patterns.filter(Boolean);
  return patterns.length ? { pattern: new RegExp(patterns.join("|")), born: true } : null;
}

// ---------------------------------------------------------------- a search

// What people write before a name or a number, and what need not stand in the row: `exam K7-5K4`, `Mrs Okello`.
const LABELS = new Set("exam no nr number id pid mrn patient name accession acc dob born mr mrs ms miss dr".split(" "));
const MOST_WORDS = 12, MOST_TOGETHER = 6;
const PART_OF_NAME = 3, OPENING = 4, WHOLE_WORD = 6; // letters from which a word is looked for so

class Search {
  constructor(query, today) {
    const typed = query.normalize("NFC")
      .replace(/(^|\D):|:(?!\d)/g, "$1 ")
      .replace(/[,;^=()[\]"“”«»#]/g, " ").split(/\s+/);
    this.typed = typed.filter((word) => split(folded(word)).length).slice(0, MOST_WORDS);
    this.words = this.typed.map((word) => folded(word).replace(/[./-]+$/, ""));
    const areLabels = this.words.map((word) => LABELS.has(word));
    const label = areLabels.includes(false) ? [{ length: 1, finds: () => true }] : [];
    this.pieces = this.words.map((word, index) => [
      ...(areLabels[index] ? label : []),
      this.single(index),
      ...this.together(index),
    ]);
    this.addDates(today);
  }

  // Whether the words can be cut into pieces of which each is found in the row.
  finds(row) {
    const { pieces } = this, found = Array(pieces.length).fill(false).concat(true);
    for (let at = pieces.length - 1; at >= 0; at -= 1) {
      found[at] = pieces[at].some((piece) => found[at + piece.length] && piece.finds(row));
    }
    return found[0];
  }

  single(index) {
    const word = this.words[index], number = compact(word), parts = spellings(this.typed[index]).map(split);
    const joined = parts.map((one) => one.join(""));
    const time = word.match(/^(\d{1,2}):(\d{2})$/);
    const isAt = (row) => time && row.hasPhrase(`${two(time[1])} ${time[2]} `);
    return {
      length: 1,
      finds: (row) => row.hasName(parts, joined) || row.hasNumber(number) || row.says(word) || isAt(row),
    };
  }

  // Several words as one number, or as a phrase.
  together(from) {
    const pieces = [];
    for (let length = 2; length <= Math.min(MOST_TOGETHER, this.words.length - from); length += 1) {
      const words = this.words.slice(from, from + length), number = words.map(compact).join("");
      const phrase = words.flatMap(split).join(" ");
      const isNumber = number.length > PART_OF_NAME && /\d/.test(number), isPhrase = /\p{L}/u.test(phrase);
      pieces.push({ length, finds: (row) => (isNumber && row.hasNumber(number)) || (isPhrase && row.hasPhrase(phrase)) });
    }
    return pieces;
  }

  // The longest date that begins at a word, unless it is a part of another one: `17 feb 51` is not `17 feb` of any year.
  addDates(today) {
    let end = 0;
    for (let from = 0; from < this.words.length; from += 1) {
      for (let length = Math.min(MOST_TOGETHER, this.words.length - from); length > 0; length -= 1) {
        const dates = datesOf(this.words.slice(from, from + length), today);
        const isBareYear = length === 1 && /^\d{4}$/.test(this.words[from]); // `jan 2024` may be Jan, who came in 2024
        if (!dates || (from + length <= end && !isBareYear)) continue;
        end = Math.max(end, from + length);
        this.pieces[from].push({ length, finds: (row) => row.hasDate(dates) });
        break;
      }
    }
  }
}

// ---------------------------------------------------------------- a row

// What is looked for in a row. Where texts are joined, each word has a blank before it and after it. There are thousands
// of rows: what few searches need is made when one needs it.
class Row {
  constructor(element) {
    const [result, patient, exam] = element.cells, [name, number, ...rest] = patient.querySelectorAll("bdi");
    const [born, taken, ...accession] = (element.dataset.found || "").split(",");
    const link = result.querySelector("a"), received = link.getAttribute("href").match(/\d{4}-\d{2}-\d{2}/)?.[0];
    const numbers = [exam.querySelector(".exam-number")?.textContent, Row.shown(number), accession.join(",")];
    Object.assign(this, { element, born, rest, exam, link, rawNumbers: numbers.filter(Boolean).map(folded) });
    this.dates = [taken, received].filter(Boolean);
    this.letters = folded(element.textContent);
    this.setNames(Row.shown(name));
    this.setNumbers();
  }

  static shown(one) {
    return one.title || one.textContent; // the title has the letters that this device cannot draw
  }

  static joined(elements) {
    return ` ${split(folded(elements.map(Row.shown).join(" "))).join(" ")} `;
  }

  get examWords() {
    return (this.keptExam ??= Row.joined([this.exam.querySelector("bdi")]));
  }

  get told() {
    const tags = () => this.element.querySelectorAll(".tag");
    return (this.keptTold ??= Row.joined([this.link, ...tags(), ...this.rest]) + this.examWords);
  }

  get all() {
    return (this.keptAll ??= Row.joined([...this.element.querySelectorAll("td *")]));
  }

  setNames(text) {
    const all = spellings(text), inOne = all[0].replace(/([aou])e|aa/g, (found, letter) => letter || "a");
    if (!all.includes(inOne)) all.push(inOne);
    this.nameWords = split(all[0]);
    this.names = all.map((one) => ` ${split(one).join(" ")}`).join(" ");
  }

  // Without blanks and dashes, and once more without the zeros in front of their digits.
  setNumbers() {
    const known = ` ${this.rawNumbers.map(compact).join(" ")}`;
    this.numbers = `${known}${known.replace(/(\D)0+(?=\d)/g, "$1")}`;
  }

  // Each number from each of its groups of letters or digits on.
  get endsOfNumbers() {
    const ends = (parts) => (/\d/.test(parts.join()) ? parts.map((_, index) => parts.slice(index).join("")) : []);
    return (this.keptEnds ??= ` ${this.rawNumbers.flatMap((one) => ends(split(one).flatMap(groups))).join(" ")}`);
  }

  // `parts`: for each spelling of a word what it consists of; `joined`: the same in one.
  hasName(parts, joined) {
    const isShort = (part) => part.length < PART_OF_NAME && /^[a-z\d]+$/.test(part);
    return parts.some((one) => one.every((part) => this.names.includes(isShort(part) ? ` ${part}` : part)))
      || joined.some((one) => this.nameWords.some((word, index) => (
        one.startsWith(word) && this.namesFrom(index).startsWith(one))));
  }

  // All names in one, from one of them on, as people write Ould Ahmed.
  namesFrom(index) {
    return [...this.nameWords.slice(index), ...this.nameWords.slice(0, index)].join("");
  }

  hasNumber(number) {
    const hasDigit = /\d/.test(number);
    if (!this.numbers.includes(number) || (!hasDigit && number.length < 2)) return false;
    return (hasDigit && number.length >= PART_OF_NAME) || this.numbers.includes(` ${number}`)
      || ((hasDigit || number.length >= PART_OF_NAME) && this.endsOfNumbers.includes(` ${number}`));
  }

  hasDate({ pattern, born }) {
    return this.dates.some((date) => pattern.test(date)) || (born && pattern.test(this.born));
  }

  // What the page itself says must not drown names: `rea` is Andrea, not each exam that was read.
  says(word) {
    if (!this.letters.includes(word)) return false;
    const opening = ` ${word}`, whole = `${opening} `;
    return this.examWords.includes(whole) || (word.length >= OPENING && this.told.includes(opening))
      || (word.length >= WHOLE_WORD && this.all.includes(whole));
  }

  hasPhrase(phrase) {
    return phrase.split(" ").every((word) => this.letters.includes(word)) && this.all.includes(` ${phrase}`);
  }
}

// ---------------------------------------------------------------- all rows

// The rows of this page that a search finds.
class Rows {
  constructor() {
    this.rows = [...document.querySelectorAll("#rows tr[class]")];
    this.read();
  }

  // Anew, when the page says something else.
  read() {
    this.known = this.rows.map((row) => new Row(row));
  }

  found({ query, filter, today }) {
    const search = new Search(query, today);
    return this.rows.filter((row, index) => Rows.passes(row, filter, today) && search.finds(this.known[index]));
  }

  static passes(row, filter, today) {
    if (filter === "today") return row.querySelector("a").getAttribute("href").replace("../", "").startsWith(today);
    return !filter || row.classList.contains(filter);
  }
}
