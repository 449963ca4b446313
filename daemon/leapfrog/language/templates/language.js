"use strict";
// Says what a page says in another language, which somebody chose. Shared by the worklist, the older pages and the
// reports, before their own scripts. What it knows: `language/page_words.py`.

const spoken = (() => {
  const page = JSON.parse(document.getElementById("said").textContent);
  const known = new Map(Object.entries(page.said)); // what a text was made from
  const first = new WeakMap(); // of a text node, or of an element for its attributes: the text that the page came with
  const loaded = new Map();
  const ATTRIBUTES = ["aria-label", "alt", "title", "placeholder", "data-caption", "data-marks"];
  const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/, LEFT_TO_RIGHT = /[\p{L}\d]/u, DIGITS = /^\d+$/;
  let now = page, english = null;

  // ---------------------------------------------------------------- a sentence

  function isolated(text, { direction }) {
    const stays = direction !== "rtl" || RIGHT_TO_LEFT.test(text) || !LEFT_TO_RIGHT.test(text) || DIGITS.test(text);
    return stays ? text : `\u2066${text}\u2069`;
  }

  function number(text, { decimal, thousands, groups }) {
    const found = /^(-?)([\d,]+)(?:\.(\d+))?$/.exec(text);
    if (!found) return text;
    let whole = found[2].replaceAll(",", "");
    if (found[2].includes(",")) {
      const parts = [];
      for (let at = 0; whole; at += 1) {
        const size = groups[Math.min(at, groups.length - 1)];
        parts.unshift(whole.slice(-size));
        whole = whole.slice(0, -size);
      }
      whole = parts.join(thousands);
    }
    return found[1] + whole + (found[3] ? decimal + found[3] : "");
  }

  function date(text, { date: pattern, months }) {
    const found = /^(\d+)-(\d+)-(\d+)( .*)?$/.exec(text);
    if (!pattern || !found || !months[found[2] - 1]) return text;
    const parts = { year: found[1], month: months[found[2] - 1], day: Number(found[3]) };
    return pattern.replace(/\{(\w+)\}/g, (whole, name) => parts[name]) + (found[4] || "");
  }

  function value(one, language) {
    if (typeof one === "number") return isolated(number(one.toLocaleString("en"), language), language);
    return isolated(Array.isArray(one) ? one.map((part) => said(part, language)).join("") : one, language);
  }

  function message([id, values, lowered], language) {
    const forms = language.messages[id] || page.messages[id] || [""];
    const count = Math.abs(values ? values.count : 0);
    const place = forms.length > 1 ? Number(language.plural[count < 200 ? count : 100 + (count % 100)]) : 0;
    let text = forms[Math.min(place, forms.length - 1)];
    if (values) text = text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? value(values[name], language) : whole));
    return lowered && text[1] && (text[1] === " " || text[1] !== text[1].toUpperCase()) ? text[0].toLowerCase() + text.slice(1) : text;
  }

  function said(part, language) {
    if (typeof part === "string") return part;
    if (Array.isArray(part)) return message(part, language);
    return "n" in part ? number(part.n, language) : date(part.d, language);
  }

  const sentence = (parts, language) => parts.map((part) => isolated(said(part, language), language)).join("");

  // ---------------------------------------------------------------- the page

  function say(text) {
    const parts = known.get(text);
    if (!parts) return text;
    return now === page ? text : sentence(parts, now);
  }

  function sayNode(node) {
    if (!first.has(node)) {
      if (!known.has(node.data.trim())) return;
      first.set(node, node.data);
    }
    const text = first.get(node), bare = text.trim();
    const shown = text.replace(bare, () => say(bare));
    if (node.data !== shown) node.data = shown;
  }

  function sayAttributes(element) {
    const kept = first.get(element) || {};
    for (const name of ATTRIBUTES) {
      const text = kept[name] ?? element.getAttribute(name);
      if (text === null || !known.has(text)) continue;
      kept[name] = text;
      element.setAttribute(name, say(text));
    }
    first.set(element, kept);
  }

  // Below what a finding, a grade or a reason is called, its English, if no native reader has reviewed the language.
  function sayEnglish(element) {
    for (const line of element.querySelectorAll(":scope > .english")) line.remove();
    const nodes = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    const lines = nodes.map((node) => {
      const parts = known.get((first.get(node) || node.data).trim());
      const text = parts && english ? sentence(parts, english) : "";
      return text === node.data.trim().replace(/[\u2066\u2069]/g, "") ? "" : text;
    }).filter(Boolean);
    if (!now.needsEnglish || !lines.length) return;
    const line = document.createElement("span");
    Object.assign(line, { className: "english", lang: "en", dir: "ltr", textContent: lines.join(" ") });
    element.append(line);
  }

  function sayAll(root) {
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const nodes = [];
    while (texts.nextNode()) {
      if (!texts.currentNode.parentElement.closest("script, style, .english")) nodes.push(texts.currentNode);
    }
    nodes.forEach(sayNode);
    root.querySelectorAll(ATTRIBUTES.map((name) => `[${name}]`).join()).forEach(sayAttributes);
    // A row of the list, of which there are hundreds, has no class for it.
    root.querySelectorAll(".told, #rows td > a, #rows td:first-child > small").forEach(sayEnglish);
  }

  // ---------------------------------------------------------------- a language

  function load(code) {
    if (!loaded.has(code)) {
      loaded.set(code, new Promise((resolve) => {
        const remove = askPage(`${page.pages}${code}.html`, (told) => {
          if (typeof told.language !== "string") return;
          remove();
          for (const [source, unicodeRange] of JSON.parse(told.fonts)) {
            document.fonts.add(new FontFace("Leapfrog", source, { unicodeRange, display: "swap" }));
          }
          resolve(JSON.parse(told.language));
        });
      }));
    }
    return loaded.get(code);
  }

  async function choose(code) {
    if (code === now.code) return;
    const chosen = code === page.code ? page : await load(code);
    english = chosen.needsEnglish ? await load("en") : null;
    now = chosen;
    document.documentElement.lang = now.code;
    document.documentElement.dir = now.direction;
    sayAll(document.documentElement);
    document.getElementById("unreviewed").hidden = !now.needsEnglish;
    document.dispatchEvent(new Event("spoken"));
  }

  const read = () => { try { return localStorage.getItem("leapfrog-language"); } catch { return null; } };
  const keep = (code) => { try { localStorage.setItem("leapfrog-language", code); } catch { /* then only this page */ } };

  function begin() {
    const choice = document.getElementById("language");
    if (!choice) return;
    choice.parentElement.hidden = false;
    const wanted = [...choice.options].some(({ value: code }) => code === read()) ? read() : page.code;
    choice.value = wanted;
    choice.addEventListener("change", () => { keep(choice.value); choose(choice.value); });
    if (wanted !== page.code) choose(wanted);
  }

  return {
    begin,
    choose,
    // What this page's script says, by its name.
    words: (name, values) => {
      const [[id, own]] = page.words[name];
      return isolated(message([id, values || own], now), now);
    },
    number: (count) => number(count.toLocaleString("en"), now),
    // Of the station's language and of the chosen one, those of English not: January first, in full or short.
    months: () => [...page.monthNames, ...now.monthNames],
    shortMonths: () => [...page.months, ...now.months],
    code: () => now.code,
  };
})();
