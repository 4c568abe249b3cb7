/* Zoom by wheel with Ctrl, pan by dragging, and a box's own lines while the pointer or the focus is on it.
   The page works without it: the scale is a link, and the window scrolls. */
(() => {
  "use strict";
  const view = document.querySelector(".v7g-window");
  const svg = view && view.querySelector("svg.v7g");
  if (!svg) return;
  const full = { width: Number(svg.dataset.width), height: Number(svg.dataset.height) };
  const links = [...document.querySelectorAll(".v7g-zoom a")];

  const scaleNow = () => svg.getBoundingClientRect().width / full.width;
  const zoom = (scale, x, y) => {
    const before = scaleNow();
    const to = Math.min(4, Math.max(0.1, scale));
    const at = view.getBoundingClientRect();
    const [dx, dy] = [x - at.left, y - at.top];
    const [left, top] = [(view.scrollLeft + dx) / before, (view.scrollTop + dy) / before];
    svg.setAttribute("width", String(full.width * to));
    svg.setAttribute("height", String(full.height * to));
    view.scrollLeft = left * to - dx;
    view.scrollTop = top * to - dy;
    for (const link of links) link.removeAttribute("aria-current");
  };

  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(scaleNow() * Math.exp(-event.deltaY / 400), event.clientX, event.clientY);
  }, { passive: false });

  for (const link of links) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const at = view.getBoundingClientRect();
      const word = link.dataset.scale;
      const scale = word === "fit" ? (view.clientWidth - 2) / full.width : Number(word) / 100;
      zoom(scale, at.left + at.width / 2, at.top + at.height / 2);
      link.setAttribute("aria-current", "true");
    });
  }

  let held = null;
  view.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.pointerType !== "mouse") return;
    held = { x: event.clientX, y: event.clientY, left: view.scrollLeft, top: view.scrollTop, moved: false };
  });
  window.addEventListener("pointermove", (event) => {
    if (!held) return;
    const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
    if (!held.moved && Math.abs(dx) + Math.abs(dy) < 5) return;
    held.moved = true;
    view.classList.add("held");
    view.scrollLeft = held.left - dx;
    view.scrollTop = held.top - dy;
  });
  window.addEventListener("pointerup", () => {
    view.classList.remove("held");
    setTimeout(() => { held = null; }, 0);
  });
  view.addEventListener("click", (event) => { if (held && held.moved) event.preventDefault(); }, true);
  view.addEventListener("dragstart", (event) => event.preventDefault());

  const show = (box) => {
    for (const old of svg.querySelectorAll(".on")) old.classList.remove("on");
    svg.classList.toggle("near", Boolean(box));
    if (!box) return;
    const number = box.dataset.number;
    const near = new Set([number]);
    for (const line of svg.querySelectorAll(".v7g-lines .v7g-line")) {
      const { from, to } = line.dataset;
      if (from !== number && to !== number) continue;
      line.classList.add("on");
      near.add(from).add(to);
    }
    for (const other of svg.querySelectorAll(".v7g-box")) other.classList.toggle("on", near.has(other.dataset.number));
  };
  const boxOf = (event) => event.target.closest && event.target.closest(".v7g-box");
  for (const name of ["pointerover", "focusin"]) svg.addEventListener(name, (event) => show(boxOf(event)));
  for (const name of ["pointerleave", "focusout"]) svg.addEventListener(name, () => show(null));
})();
