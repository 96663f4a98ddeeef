// Draws the figures of a page and runs its explorer. Everything shown was escaped when the page was written.
"use strict";

const ink = () => getComputedStyle(document.body).getPropertyValue("--quiet").trim();

function drawFigures() {
  for (const box of document.querySelectorAll(".plot")) {
    const figure = JSON.parse(box.nextElementSibling.textContent);
    const meta = (figure.layout || {}).meta || {};
    const facet = meta.facet;
    const layout = { ...figure.layout, font: { ...(figure.layout || {}).font, color: ink() } };
    const config = { ...figure.config, showSendToCloud: false, displaylogo: false, responsive: true, plotlyServerURL: "" };
    Plotly.newPlot(box, figure.data, layout, config).then(() => {
      if (!facet) return;
      box.classList.add("leads");
      box.on("plotly_click", (event) => {
        location.href = meta.page + ".html#?" + new URLSearchParams({ [facet]: event.points[0].customdata });
      });
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const box of document.querySelectorAll(".plot")) Plotly.relayout(box, { "font.color": ink() });
  });
}

function explore(data) {
  const items = JSON.parse(data.textContent);
  const byId = (id) => document.getElementById(id);
  const selects = [...document.querySelectorAll("select[data-facet]")];
  const decoder = document.createElement("textarea");
  let found = items;
  let at = 0;

  for (const select of selects) {
    const counts = new Map();
    for (const item of items) {
      const value = item.facets[select.dataset.facet];
      if (value) counts.set(value, (counts.get(value) || 0) + 1);
    }
    for (const [value, count] of [...counts].sort((a, b) => b[1] - a[1])) {
      select.add(new Option(`${value} (${count})`, value));
    }
    select.addEventListener("change", () => filter());
  }

  function textOf(item) {
    if (item.text === undefined) {
      decoder.innerHTML = item.html.replace(/<[^>]*>/g, " ");
      item.text = `${item.id} ${decoder.value}`.toLowerCase();
    }
    return item.text;
  }

  function filter(id) {
    const wanted = byId("find").value.trim().toLowerCase();
    found = items.filter(
      (item) =>
        selects.every((s) => !s.value || item.facets[s.dataset.facet] === s.value) && (!wanted || textOf(item).includes(wanted)),
    );
    show(Math.max(0, found.findIndex((item) => item.id === id)));
  }

  function show(index, keepAddress) {
    at = index;
    const item = found[at];
    byId("item").innerHTML = item ? item.html : "<p class='panel quiet'>Nothing fits these filters.</p>";
    byId("id").textContent = item ? item.id : "";
    byId("position").textContent = found.length ? `${at + 1} of ${found.length}` : "0 of 0";
    byId("previous").disabled = at <= 0;
    byId("next").disabled = at >= found.length - 1;
    if (item && !keepAddress) history.replaceState(null, "", "#" + encodeURIComponent(item.id));
  }

  function follow() {
    const fragment = location.hash.slice(1);
    if (fragment.startsWith("?")) {
      const asked = new URLSearchParams(fragment.slice(1));
      for (const select of selects) select.value = asked.get(select.dataset.facet) || "";
      return filter();
    }
    const id = decodeURIComponent(fragment);
    if (!found.some((item) => item.id === id)) {
      // The address wins over filters left from before.
      for (const select of selects) select.value = "";
      byId("find").value = "";
    }
    filter(id);
    if (id && (found[at] || {}).id !== id) {
      byId("position").textContent += ` · ${id} is not on this page`;
    }
  }

  const step = (by) => found[at + by] && show(at + by);
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("find").addEventListener("input", () => filter());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.key === "j") step(1);
    if (event.key === "k") step(-1);
  });
  addEventListener("hashchange", follow);
  follow();
}

const data = document.getElementById("items");
if (data) explore(data);
if (document.querySelector(".plot")) drawFigures();
