// A plotly figure that tells Python which mark was chosen, by mouse or by keyboard. plotly.js comes once per page, from
// one model that all figures share: 4.8 MB for each of them is what makes FigureWidget slow.
const KEY = Symbol.for("apigen_nb.plotly");

function library(model) {
  globalThis[KEY] ??= (async () => {
    const shared = await model.widget_manager.get_model(model.get("library").slice("IPY_MODEL_".length));
    // An AMD loader on the page would swallow it.
    const source = `const module = {exports: {}}; (function (define) {${shared.get("source")}\n})();
      export default module.exports;`;
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    try { return (await import(/* webpackIgnore: true */ url)).default; } finally { URL.revokeObjectURL(url); }
  })();
  return globalThis[KEY];
}

// What can be chosen: bars with customdata, and the ribbons of a Sankey diagram (0; its nodes would be 1).
function marks(figure) {
  const found = [];
  const [first] = figure.data;
  if (first?.type === "sankey") return first.link.value.map((_, point) => ({ curve: 0, point, name: first.link.customdata?.[point] ?? "" }));
  figure.data.forEach((trace, curve) => (trace.customdata || []).forEach((name, point) => {
    const size = trace.type === "bar" ? (trace.orientation === "h" ? trace.x : trace.y)[point] : 1;
    if (size && name !== null && trace.visible !== "legendonly") found.push({ curve, point, name });
  }));
  return found.sort((a, b) => a.point - b.point || a.curve - b.curve);
}

// Hover texts are escaped once and hold <b> and <br>; a document of its own neither runs nor loads anything.
function said(figure, mark) {
  const text = figure.data[mark.curve].hovertext?.[mark.point] ?? "";
  return new DOMParser().parseFromString(text.replace(/<br>/g, ", "), "text/html").body.textContent || String(mark.name);
}

export default {
  async render({ model, el }) {
    const box = document.createElement("div");
    const spoken = document.createElement("div");
    el.classList.add("apigen-figure");
    spoken.className = "apigen-spoken";
    spoken.setAttribute("aria-live", "polite");
    box.dataset.lmSuppressShortcuts = "true";
    el.append(box, spoken);
    const Plotly = await library(model);
    let at = -1, width = 0, drawn = Promise.resolve();

    const send = (mark) => { model.set("chosen", { ...mark, count: (model.get("chosen")?.count || 0) + 1 }); model.save_changes(); };
    const ink = () => getComputedStyle(document.body).getPropertyValue("--jp-content-font-color1").trim() || "#1b2733";
    const draw = () => {
      const { data, layout } = structuredClone(model.get("spec"));
      const title = layout.title?.text || "figure", some = marks({ data }).length > 0;
      layout.font = { ...layout.font, color: ink() };
      width = el.clientWidth;
      layout.width = Math.max(width, 280);
      box.style.height = `${layout.height || 360}px`;
      box.tabIndex = some ? 0 : -1;
      box.setAttribute("role", some ? "application" : "img");
      box.setAttribute("aria-label", some ? `${title}. Arrow keys go from mark to mark, Enter chooses.` : title);
      at = -1;
      drawn = drawn.then(() => Plotly.react(box, data, layout, { showSendToCloud: false, displaylogo: false, displayModeBar: false })
        .then(() => { el.dataset.drawn = String(Number(el.dataset.drawn || 0) + 1); }));
      return drawn;
    };
    await draw();
    box.on("plotly_click", ({ points: [p] }) => {
      if (p && "flow" in p) send({ curve: 0, point: p.pointNumber ?? p.index, name: "" });
      else if (p?.customdata !== undefined && !("sourceLinks" in p)) send({ curve: p.curveNumber, point: p.pointNumber, name: p.customdata });
    });
    box.addEventListener("keydown", (event) => {
      const all = marks(model.get("spec")), steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
      if (event.key in steps && all.length) {
        at = (at + steps[event.key] + all.length + (at < 0 && steps[event.key] < 0 ? 1 : 0)) % all.length;
        if (model.get("spec").data[0].type !== "sankey") Plotly.Fx.hover(box, [{ curveNumber: all[at].curve, pointNumber: all[at].point }]);
        spoken.textContent = said(model.get("spec"), all[at]);
      } else if ((event.key === "Enter" || event.key === " ") && all[at]) send(all[at]);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    model.on("change:spec", draw);
    const seen = new ResizeObserver(() => {
      if (!el.clientWidth || el.clientWidth === width) return;
      width = el.clientWidth;
      drawn = drawn.then(() => Plotly.relayout(box, { width: Math.max(width, 280) }));
    });
    seen.observe(el);
    const theme = new MutationObserver(draw);
    theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
    return () => { seen.disconnect(); theme.disconnect(); model.off("change:spec", draw); Plotly.purge(box); };
  },
};
