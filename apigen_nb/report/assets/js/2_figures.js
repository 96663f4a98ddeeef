// Figures: drawn by plotly from the JSON that stands beside their boxes, in the page's own ink.
"use strict";

const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
const dark = matchMedia("(prefers-color-scheme: dark)");
// What is drawn in black has to be seen on a dark page as well.
const inked = (text) => (dark.matches ? text.replaceAll('"color":"black"', '"color":"white"') : text);

function drawFigure(box) {
  if (!box.isConnected || box.classList.contains("drawn")) return;
  box.classList.add("drawn");
  const figure = JSON.parse(inked(box.nextElementSibling.textContent.replaceAll('"color": "black"', '"color":"black"')));
  const meta = (figure.layout || {}).meta || {};
  const layout = { ...figure.layout, font: { ...(figure.layout || {}).font, color: colour("--quiet") } };
  const config = { showSendToCloud: false, displaylogo: false, responsive: true, plotlyServerURL: "", displayModeBar: false };
  Plotly.newPlot(box, figure.data, layout, config).then(() => {
    // the box says in its label what it shows; plotly's parts say nothing to a reader
    for (const part of box.children) part.setAttribute("aria-hidden", "true");
    if (!meta.facet) return;
    box.classList.add("leads");
    box.on("plotly_click", (event) => {
      const asked = new URLSearchParams({ ...meta.also, [meta.facet]: event.points[0].customdata });
      address.go(`${meta.page}.html`, `?${asked}`);
    });
  });
}

// What is in sight is drawn at once, the rest when the browser has time.
function drawFigures(root) {
  const boxes = [...root.querySelectorAll(".plot:not(.drawn)")];
  const hidden = boxes.filter((box) => box.getBoundingClientRect().top > innerHeight);
  for (const box of boxes) if (!hidden.includes(box)) drawFigure(box);
  const next = () => {
    if (hidden.length) drawFigure(hidden.shift());
    if (hidden.length) setTimeout(next);
  };
  setTimeout(next);
}
addEventListener("beforeprint", () => document.querySelectorAll(".plot:not(.drawn)").forEach(drawFigure));

dark.addEventListener("change", () => {
  for (const box of document.querySelectorAll(".plot.drawn")) Plotly.relayout(box, { "font.color": colour("--quiet") });
});

// Panels of which one is shown at a time, chosen by menus.
async function startViews(root) {
  const panels = await unpack(named(root, "views")[0]);
  const menus = [...root.querySelectorAll("select[data-choice]")];
  const view = root.querySelector(".view");
  const show = () => {
    view.innerHTML = panels[menus.map((menu) => menu.value).join("\n")] || "<p class='panel quiet'>Nothing to show.</p>";
    drawFigures(view);
  };
  for (const menu of menus) menu.addEventListener("change", show);
  show();
}
