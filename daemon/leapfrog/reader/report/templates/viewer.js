"use strict";
// The page works without this script, which opens a picture large: zoom, pan, contrast, what was drawn on it, frames.
(() => {
  const viewer = document.getElementById("viewer");
  if (!viewer || !viewer.showModal) return;
  const part = (name) => viewer.querySelector(`[data-part="${name}"]`);
  const stage = part("stage"), layers = part("layers"), plain = part("plain"), marks = part("marks");
  const grays = viewer.querySelectorAll("feFuncR, feFuncG, feFuncB");
  const pointers = new Map();
  const farthest = 12, pan = 60, key = 1.25;
  let pictures = [], at = 0, view, opener;

  // Brightness moves what is shown as middle gray, contrast spreads the grays around it: level and window.
  const asItIs = () => ({ scale: 1, x: 0, y: 0, window: 1, level: 0.5, inverted: false, byDrag: view?.byDrag || false });

  function show() {
    const { width, height } = fitted();
    Object.assign(layers.style, {
      width: `${width}px`, height: `${height}px`, transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})`,
    });
    const way = view.inverted ? -1 : 1;
    const slope = way / view.window, intercept = 0.5 - slope * view.level;
    for (const gray of grays) {
      gray.setAttribute("slope", slope);
      gray.setAttribute("intercept", intercept);
    }
    marks.style.opacity = part("overlay").getAttribute("aria-pressed") === "true" ? part("opacity").value / 100 : 0;
    part("invert").setAttribute("aria-pressed", view.inverted);
    part("drag").setAttribute("aria-pressed", view.byDrag);
    part("brightness").value = 100 - Math.round(view.level * 100);
    part("contrast").value = Math.round(-Math.log2(view.window) * 100);
    part("whole").hidden = view.scale > 1;
    part("zoom").textContent = view.scale > 1 ? `× ${view.scale.toFixed(1)}` : "";
    showCaption();
  }

  // What is seen, and what was drawn on it, unless that was taken off.
  function showCaption() {
    const { link, overlay } = pictures[at];
    const drawn = overlay && Number(marks.style.opacity) > 0 ? overlay.dataset.marks : "";
    for (const [name, said] of [["caption", link.dataset.caption], ["drawn", drawn]]) {
      if (part(name).textContent !== said) part(name).textContent = said;
    }
  }

  // As large as the picture is where it just fits.
  function fitted() {
    const width = plain.naturalWidth || 1, height = plain.naturalHeight || 1;
    const scale = Math.min(stage.clientWidth / width, stage.clientHeight / height);
    return { width: width * scale, height: height * scale };
  }

  // Some of the picture always stays in sight; one that fits stands in the middle.
  function move(x, y) {
    const size = fitted();
    const within = (value, room, length) =>
      length <= room ? (room - length) / 2 : Math.min(room * 0.5, Math.max(room * 0.5 - length, value));
    view.x = within(x, stage.clientWidth, size.width * view.scale);
    view.y = within(y, stage.clientHeight, size.height * view.scale);
    show();
  }

  // What is under (x, y), in pixels of the stage, stays there.
  function zoom(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
    const scale = Math.min(farthest, Math.max(1, view.scale * factor)), by = scale / view.scale;
    view.scale = scale;
    move(x - (x - view.x) * by, y - (y - view.y) * by);
  }

  function reset() {
    view = asItIs();
    move(0, 0);
  }

  function shade(level, window) {
    view.level = Math.min(1, Math.max(0, level));
    view.window = Math.min(2, Math.max(1 / 16, window));
    show();
  }

  function turn(to) {
    at = Math.min(pictures.length - 1, Math.max(0, to));
    const { link, overlay } = pictures[at];
    part("older").disabled = at === 0;
    part("newer").disabled = at === pictures.length - 1;
    viewer.querySelectorAll(".of-frames").forEach((one) => { one.hidden = pictures.length < 2; });
    viewer.querySelectorAll(".of-overlay").forEach((one) => { one.hidden = !overlay; });
    marks.hidden = !overlay;
    if (overlay) marks.src = overlay.href;
    plain.alt = link.dataset.caption;
    plain.src = link.href;
    show();
  }

  // The frames of its image, and on the reported one what was drawn; a map of one finding stands for itself.
  function open(link) {
    opener = link;
    const { kind } = link.dataset, image = link.closest(".image");
    const links = (wanted) => [...image.querySelectorAll(`a.enlarge[data-kind="${wanted}"]`)];
    const [base] = links("plain"), [overlay] = links("overlay"), frames = links("frame");
    const own = kind === "map" || !base;
    pictures = own ? [{ link }] : [{ link: base, overlay }];
    if (!own && frames.length) {
      const reported = frames.findIndex((one) => one.dataset.reported);
      pictures = frames.map((one, index) => ({ link: one, overlay: index === reported ? overlay : undefined }));
      at = kind === "frame" ? frames.indexOf(link) : reported;
    } else {
      at = 0;
    }
    part("overlay").setAttribute("aria-pressed", kind !== "plain");
    view = asItIs();
    viewer.showModal();
    turn(at);
    reset();
  }

  function press(name, on) {
    part(name).addEventListener("click", on);
  }

  function spread() {
    const [one, other] = [...pointers.values()];
    return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, apart: Math.hypot(one.x - other.x, one.y - other.y) };
  }

  function place(event) {
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.enlarge");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(link);
  });

  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
  });
  stage.addEventListener("pointermove", (event) => {
    if (!pointers.has(event.pointerId)) return;
    const before = pointers.get(event.pointerId), now = place(event), two = pointers.size === 2 ? spread() : null;
    pointers.set(event.pointerId, now);
    if (two) {
      const after = spread();
      view.x += after.x - two.x;
      view.y += after.y - two.y;
      zoom(after.apart / (two.apart || 1), after.x, after.y);
    } else if (view.byDrag || event.buttons === 2) {
      const across = (now.x - before.x) / stage.clientWidth, down = (now.y - before.y) / stage.clientHeight;
      shade(view.level + down, view.window * 2 ** (2 * across));
    } else {
      move(view.x + now.x - before.x, view.y + now.y - before.y);
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, (event) => pointers.delete(event.pointerId));
  }
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("dblclick", (event) => {
    const { x, y } = place(event);
    if (view.scale > 1) reset(); else zoom(2.5, x, y);
  });
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { x, y } = place(event);
    zoom(Math.exp(-event.deltaY / 500), x, y);
  }, { passive: false });

  const invert = () => { view.inverted = !view.inverted; show(); };
  const drag = () => { view.byDrag = !view.byDrag; show(); };
  const overlay = () => {
    const button = part("overlay");
    button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
    show();
  };
  const fullScreen = () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen(); // of the whole page: an open dialog may not ask for itself
  };
  const keys = {
    "+": () => zoom(key), "=": () => zoom(key), "-": () => zoom(1 / key), 0: reset, i: invert, w: drag, o: overlay,
    f: fullScreen, PageUp: () => turn(at - 1), PageDown: () => turn(at + 1),
    ArrowLeft: () => move(view.x + pan, view.y), ArrowRight: () => move(view.x - pan, view.y),
    ArrowUp: () => move(view.x, view.y + pan), ArrowDown: () => move(view.x, view.y - pan),
  };
  viewer.addEventListener("keydown", (event) => {
    const slides = event.target.matches("input") && event.key.startsWith("Arrow");
    if (slides || event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });

  part("full").hidden = !document.fullscreenEnabled;
  // Where the strip of frames is longer than the screen is wide, it shows the reported one first.
  for (const one of document.querySelectorAll(".loop .reported")) {
    const strip = one.parentElement;
    strip.scrollLeft += one.getBoundingClientRect().left - strip.getBoundingClientRect().left
      - (strip.clientWidth - one.offsetWidth) / 2;
  }

  press("in", () => zoom(key));
  press("out", () => zoom(1 / key));
  press("reset", reset);
  press("invert", invert);
  press("drag", drag);
  press("overlay", overlay);
  press("full", fullScreen);
  press("older", () => turn(at - 1));
  press("newer", () => turn(at + 1));
  press("close", () => viewer.close());
  part("opacity").addEventListener("input", show);
  part("brightness").addEventListener("input", (event) => shade(1 - event.target.value / 100, view.window));
  part("contrast").addEventListener("input", (event) => shade(view.level, 2 ** (-event.target.value / 100)));
  plain.addEventListener("load", () => move(view.x, view.y));
  new ResizeObserver(() => { if (viewer.open) move(view.x, view.y); }).observe(stage); // a warning above makes it smaller
  viewer.addEventListener("close", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    pointers.clear();
    opener.focus();
  });
})();
