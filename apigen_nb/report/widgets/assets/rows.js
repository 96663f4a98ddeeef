// A page of a table: rows are chosen by mouse or by keyboard. All that is shown is set as text.
export default {
  render({ model, el }) {
    el.classList.add("apigen-rows", "apigen");
    el.dataset.lmSuppressShortcuts = "true";
    const set = (values) => { Object.entries(values).forEach(([k, v]) => model.set(k, v)); model.save_changes(); };
    const turn = (by, place) => {
      const page = Math.min(Math.max(model.get("page") + by, 0), model.get("pages") - 1);
      if (page === model.get("page")) return;
      wanted = place;
      set({ page });
    };
    let wanted = null;  // the row to choose when the next page is there

    const make = (name, parent, text = "") => {
      const node = document.createElement(name);
      node.textContent = text;
      parent.append(node);
      return node;
    };
    const choose = (tr, focus = true) => { if (focus) tr.focus({ preventScroll: false }); if (tr.dataset.id !== model.get("chosen")) set({ chosen: tr.dataset.id }); };

    const draw = () => {
      const had = el.contains(document.activeElement);
      el.replaceChildren();
      const scroll = make("div", el);
      scroll.className = "scroll";
      const table = make("table", scroll);
      table.setAttribute("role", "grid");
      table.setAttribute("aria-label", model.get("label"));
      table.setAttribute("aria-rowcount", model.get("total"));
      const head = make("tr", make("thead", table)), order = model.get("order");
      model.get("columns").forEach(([name, kind], number) => {
        const th = make("th", head), button = make("button", th, name);
        const sign = order && order[0] === name ? order[1] : 0;
        th.className = kind === "number" ? "number" : "";
        th.setAttribute("aria-sort", sign > 0 ? "ascending" : sign < 0 ? "descending" : "none");
        button.append(sign > 0 ? " ▲" : sign < 0 ? " ▼" : "");
        button.onclick = () => set({ order: [name, sign === 0 ? (kind === "number" ? -1 : 1) : -sign], page: 0 });
      });
      const body = make("tbody", table), rows = model.get("rows"), chosen = model.get("chosen");
      const marked = rows.some((row) => row.id === chosen);
      rows.forEach((row, number) => {
        const tr = make("tr", body);
        tr.dataset.id = row.id;
        tr.tabIndex = row.id === chosen || (!marked && number === 0) ? 0 : -1;
        tr.setAttribute("aria-selected", String(row.id === chosen));
        row.cells.forEach((text, column) => {
          const td = make("td", tr), mark = row.marks[column];
          td.className = model.get("columns")[column][1];
          const node = mark ? make("span", td, text) : td;
          if (mark) node.className = `tag ${mark}`; else node.textContent = text;
        });
        tr.onclick = () => choose(tr);
      });
      if (!rows.length) { const td = make("td", make("tr", body), "nothing to show"); td.colSpan = model.get("columns").length; td.className = "quiet"; }
      const foot = make("div", el), page = model.get("page"), pages = model.get("pages");
      foot.className = "row foot";
      const button = (text, title, by, place, off) => { const b = make("button", foot, text); b.title = b.ariaLabel = title; b.disabled = off; b.onclick = () => turn(by, place); };
      if (pages > 1) make("span", foot, "page").className = "quiet";
      if (pages > 1) button("◀", "previous page (PageUp)", -1, "first", page === 0);
      make("span", foot, model.get("foot")).className = "quiet";
      if (pages > 1) button("▶", "next page (PageDown)", 1, "first", page >= pages - 1);
      if (wanted) {
        const all = [...body.querySelectorAll("tr[data-id]")], tr = wanted === "last" ? all.at(-1) : all[0];
        wanted = null;
        if (tr) choose(tr);
      } else if (had) body.querySelector("tr[tabindex='0']")?.focus();
    };

    // Everywhere in its explorer j and k go on, except where somebody types; the notebook's own j and k stay out of it.
    const keys = (event) => {
      const whole = el.closest(".apigen-explorer");
      if (whole) whole.dataset.lmSuppressShortcuts = "true";
      if (!whole?.contains(event.target) || !el.offsetParent || event.ctrlKey || event.metaKey || event.altKey) return;
      if (!["j", "k"].includes(event.key) || event.target.closest("input, select, textarea, tr[data-id]")) return;
      event.preventDefault();
      event.stopPropagation();
      model.send({ step: event.key === "j" ? 1 : -1 });
    };
    document.addEventListener("keydown", keys, true);

    el.addEventListener("keydown", (event) => {
      const tr = event.target.closest("tr[data-id]");
      if (!tr || event.ctrlKey || event.metaKey || event.altKey) return;
      const all = [...tr.parentNode.children], at = all.indexOf(tr);
      if (["ArrowDown", "j"].includes(event.key)) all[at + 1] ? choose(all[at + 1]) : turn(1, "first");
      else if (["ArrowUp", "k"].includes(event.key)) all[at - 1] ? choose(all[at - 1]) : turn(-1, "last");
      else if (event.key === "PageDown") turn(1, "first");
      else if (event.key === "PageUp") turn(-1, "first");
      else if (event.key === "Home") choose(all[0]);
      else if (event.key === "End") choose(all.at(-1));
      else if (event.key === "Enter" || event.key === " ") choose(tr);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    const mark = () => {
      el.querySelectorAll("tr[data-id]").forEach((tr) => {
        const is = tr.dataset.id === model.get("chosen");
        tr.setAttribute("aria-selected", String(is));
        tr.tabIndex = is ? 0 : -1;
      });
    };
    draw();
    model.on("change:state", draw);
    model.on("change:chosen", mark);
    return () => {
      document.removeEventListener("keydown", keys, true);
      model.off("change:state", draw);
      model.off("change:chosen", mark);
    };
  },
};
