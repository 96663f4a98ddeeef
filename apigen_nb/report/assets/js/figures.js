// Figures: drawn by plotly from the JSON that stands beside their boxes, in the page's own colours and for its room.
"use strict";

const NARROW = 540; // pixels below which names stand above their bars, and what needs more room gives way to its numbers
const PAPER = 660; // pixels of a figure on a printed page
const LIGHT = { "--quiet": "#5c6876", "--ink": "#1b2733", "--panel": "#ffffff" }; // paper is white whatever the screen is
const places = new WeakMap(); // box → the width and the ink that it is drawn for
let printing = false;

const colour = (box, name) => (printing && LIGHT[name]) || getComputedStyle(box).getPropertyValue(name).trim();
const inked = (box, text) => text.replaceAll('"#45505c"', `"${colour(box, "--quiet")}"`).replaceAll('"#ffffff"', `"${colour(box, "--panel")}"`);
const visible = (text) => text.replace(/<[^>]*>/g, "").replace(/&[^;]+;/g, "x").length;

// plotly breaks no lines by itself.
function broken(text, letters) {
  if (visible(text) <= letters) return [text];
  const lines = [""];
  for (const word of text.match(/(?:<[^>]*>|[^\s<])+/g) || []) {
    const last = lines[lines.length - 1];
    if (last && visible(`${last} ${word}`) > letters) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  return lines;
}

function breakTitles(layout, width, more = []) {
  const title = layout.title || {};
  const lines = broken(title.text || "", (width - 24) / 7.4);
  const planned = (title.subtitle?.text || "").split("<br>"); // lines that the figure has room for
  const below = [...planned.flatMap((line) => broken(line, (width - 24) / 6.2)), ...more];
  const extra = 18 * (lines.length - 1) + 16 * Math.max(0, below.length - planned.length);
  if (lines.length > 1) title.text = lines.join("<br>");
  if (title.subtitle && below.length > 1) title.subtitle.text = below.join("<br>");
  if (extra) layout.margin = { ...layout.margin, t: (layout.margin?.t ?? 80) + extra };
  if (extra) layout.height += extra;
}

// Names and counts above their bars, each on a line of its own where both do not fit on one.
function putAbove(layout, rows) {
  const beside = rows.some((row) => row[1]);
  const lines = beside && rows.some(([name, text]) => 6.6 * (visible(name) + visible(text)) + 30 > layout.width) ? 2 : 1;
  const half = beside ? 8 : 15; // of a bar, or of the marks of several runs
  const each = 17 * lines + 14 + 2 * half;
  layout.margin = { ...layout.margin, l: 8, r: 8 };
  layout.height = layout.margin.t + layout.margin.b + each * rows.length + 6;
  layout.bargap = 1 - 16 / each;
  layout.yaxis = { ...layout.yaxis, showticklabels: false, range: [rows.length - 1 + 14 / each, -(17 * lines + 6 + half) / each] };
  const note = { xref: "paper", showarrow: false, yanchor: "bottom" };
  const drawn = rows.flatMap(([name, text], y) => [
    { ...note, y, text: `<b>${name}</b>`, x: 0, xanchor: "left", yshift: half + 16 * (lines - 1) },
    { ...note, y, text, x: lines === 2 ? 0 : 1, xanchor: lines === 2 ? "left" : "right", yshift: half },
  ]);
  layout.annotations = drawn.filter((one) => one.text);
}

function arranged(box, width) {
  const { data, layout = {} } = JSON.parse(inked(box, box.nextElementSibling.textContent));
  const { rows, head } = layout.meta || {};
  const above = rows && width < NARROW;
  layout.width = width;
  layout.height = layout.height || 360;
  layout.font = { ...layout.font, color: colour(box, "--quiet") };
  if (layout.title) layout.title.font = { ...layout.title.font, color: colour(box, "--ink") };
  breakTitles(layout, width, above && head ? [`<i>${head}</i>`] : []);
  if (above) putAbove(layout, rows);
  return { data, layout };
}

function roomOf(box) {
  if (printing) return PAPER;
  const style = getComputedStyle(box.parentElement);
  const room = box.parentElement.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return Math.floor(room) > 0 ? Math.floor(room) : 700;
}

// What cannot be told in a narrow window gives way to its numbers.
function giveWay(box, wide) {
  const hidden = wide && !printing && roomOf(box) < NARROW;
  const fold = box.parentElement.querySelector("details.fold");
  let note = box.parentElement.querySelector(".gives-way");
  if (hidden && !note) {
    const where = fold ? "its numbers stand below" : "the tables of this page tell the same";
    note = element("p", { className: "quiet gives-way" }, element("b", { textContent: box.getAttribute("aria-label") }));
    note.append(`: the figure needs a wider window; ${where}.`);
    box.before(note);
    if (fold) fold.open = true;
  }
  if (note) note.hidden = !hidden;
  box.hidden = hidden;
}

function drawFigure(site, box) {
  if (!box.isConnected) return;
  const width = roomOf(box);
  const { data, layout } = arranged(box, width);
  const config = { showSendToCloud: false, displaylogo: false, plotlyServerURL: "", displayModeBar: false };
  const first = !box.classList.contains("drawn");
  const meta = layout.meta || {};
  box.classList.add("drawn");
  places.set(box, placeOf(box));
  box.style.height = `${layout.height}px`;
  const drawn = site.Plotly.react(box, data, layout, config);
  giveWay(box, meta.wide);
  if (!first) return;
  drawn.then(() => {
    // the box says in its label what it shows; plotly's parts say nothing to a reader
    for (const part of box.children) part.setAttribute("aria-hidden", "true");
    if (!meta.leads) return;
    box.classList.add("leads");
    box.on("plotly_click", ({ points: [point] }) => {
      if ("sourceLinks" in point) return; // a node of a flow
      const asked = meta.leads[point.curveNumber ?? 0]?.[point.pointNumber ?? point.index];
      if (asked) site.go(`${meta.page}.html`, `?${new URLSearchParams(asked)}`);
    });
  });
}

// What is in sight is drawn at once, the rest when the browser has time.
async function drawFigures(site, root) {
  const boxes = [...root.querySelectorAll(".plot:not(.drawn)")];
  if (boxes.length) site.Plotly ??= await site.plotly();
  const hidden = boxes.filter((box) => box.getBoundingClientRect().top > innerHeight);
  for (const box of boxes) if (!hidden.includes(box)) drawFigure(site, box);
  const next = () => {
    if (hidden.length) drawFigure(site, hidden.shift());
    if (hidden.length) setTimeout(next);
  };
  setTimeout(next);
}

const placeOf = (box) => `${roomOf(box)} ${colour(box, "--ink")}`;

function redraw(site) {
  for (const box of site.content.querySelectorAll(".plot.drawn")) if (places.get(box) !== placeOf(box)) drawFigure(site, box);
}

// Figures follow the room that they have, the theme, and the paper that they are printed on.
function watchFigures(site, signal) {
  const onPaper = (now) => {
    if (printing === now) return;
    printing = now;
    redraw(site);
  };
  const on = (target, name, heard) => target.addEventListener(name, heard, { signal });
  on(window, "beforeprint", () => onPaper(true));
  on(window, "afterprint", () => onPaper(false));
  on(matchMedia("print"), "change", ({ matches }) => onPaper(matches));
  on(matchMedia("(prefers-color-scheme: dark)"), "change", () => redraw(site));
  let settling = 0;
  const sizes = new ResizeObserver(() => {
    clearTimeout(settling);
    if (site.root.clientWidth) settling = setTimeout(() => (redraw(site), makeReachable(site.content)), 120);
  });
  sizes.observe(site.root);
  const theme = new MutationObserver(() => redraw(site));
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  return () => (sizes.disconnect(), theme.disconnect());
}

// Panels of which one is shown at a time, chosen by menus.
async function startViews(site, root) {
  const [block] = blocks(root, "views");
  const panels = block && (await unpack(block));
  const menus = [...root.querySelectorAll("select[data-choice]")];
  const view = root.querySelector(".view");
  const { page } = site;
  let turn = 0;
  const show = async () => {
    const mine = ++turn;
    const key = menus.map((menu) => menu.value).join("\n");
    const html = panels ? panels[key] : await site.ask(root.dataset.number, key);
    if (mine !== turn) return; // somebody chose on
    view.innerHTML = html || "<p class='panel quiet'>Nothing to show.</p>";
    drawFigures(site, view);
  };
  const follow = () => {
    const { said } = parsed(site.read(page));
    for (const menu of menus) {
      const asked = said.get(menu.dataset.choice);
      menu.value = [...menu.options].some(({ value }) => value === asked) ? asked : menu.options[0].value;
    }
    return show();
  };
  for (const menu of menus) {
    menu.addEventListener("change", () => {
      site.change(page, (said) => menus.forEach((one) => said.set(one.dataset.choice, one.value)), true);
      show();
    });
  }
  follow();
  return { follow };
}
