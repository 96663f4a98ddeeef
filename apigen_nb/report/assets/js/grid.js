// Rows of columns as a table: sorted by a click on a head, grouped with counts, paged, exported as it is seen. What rows
// there are, is its owner's matter; `change` gets what somebody asked for, {sort, groups, page}.
"use strict";

const ROWS_A_PAGE = 25;
const MOST_VALUES = 300; // of a column, to choose one from

// What an address says of a grid; `prefix` where there may be several.
const gridState = (said, prefix = "") => ({
  sort: said.get(`${prefix}sort`) || "", // "-name" falls
  groups: said.getAll(`${prefix}group`).slice(0, 2),
  page: Math.max(1, parseInt(said.get(`${prefix}page`), 10) || 1),
});

function putGridState(said, { sort, groups, page }, prefix = "") {
  for (const name of ["sort", "group", "page"]) said.delete(prefix + name);
  if (sort) said.set(`${prefix}sort`, sort);
  for (const group of groups) said.append(`${prefix}group`, group);
  if (page > 1) said.set(`${prefix}page`, page);
}

const sortOf = (sort) => [sort.replace(/^-/, ""), sort.startsWith("-")];
const shownNumber = (value) => value.toLocaleString("en", { maximumFractionDigits: 4 });

// Chips, one for each thing that is asked for, by which it is dropped.
function chipsOf(wishes) {
  return wishes.map(([text, drop]) => {
    const chip = element("button", { type: "button", textContent: `${text} ✕`, ariaLabel: `drop the filter ${text}` });
    chip.addEventListener("click", drop);
    return chip;
  });
}

// Two menus by which a filter is added: a column, then one of its values.
function filterMenus(columns, add) {
  const which = element("select", {}, new Option("", ""), ...columns.map(({ name }) => new Option(name)));
  const value = element("select");
  const second = element("label", { hidden: true }, "is ", value);
  let rows = [];
  which.addEventListener("change", () => {
    const column = columns.find(({ name }) => name === which.value);
    second.hidden = !column;
    if (!column) return;
    const counted = column.counts(rows).slice(0, MOST_VALUES);
    value.replaceChildren(new Option("", ""), ...counted.map(([text, count]) => new Option(`${text.slice(0, 60)} (${count.toLocaleString("en")})`, text)));
    value.setAttribute("aria-label", `value of ${column.name}`);
  });
  value.addEventListener("change", () => {
    if (value.value === "") return;
    const wish = [which.value, value.value];
    which.value = "";
    second.hidden = true;
    add(wish);
  });
  return { menus: [element("label", {}, "filter ", which), second], of: (found) => (rows = found) };
}

function makeGrid(box, columns, name, { change, narrow, linkOf }) {
  const byName = new Map(columns.map((column) => [column.name, column]));
  const menu = (label) => {
    const select = element("select", {}, new Option("nothing", ""), ...columns.map((column) => new Option(column.name)));
    select.addEventListener("change", () => change({ groups: menus.map((one) => one.value).filter(Boolean), sort: "", page: 1 }));
    return [select, element("label", {}, `${label} `, select)];
  };
  const made = [menu("group by"), menu("and")];
  const menus = made.map(([select]) => select);
  const button = (textContent, more, act) => {
    const one = element("button", { type: "button", textContent, ...more });
    one.addEventListener("click", act);
    return one;
  };
  const order = element("select"); // where heads are not shown, in a narrow window
  order.addEventListener("change", () => change({ sort: order.value, page: 1 }));
  const position = element("span", { className: "quiet rows-shown", role: "status" });
  const before = button("◀", { className: "rows-before", ariaLabel: "previous rows" }, () => change({ page: state.page - 1 }));
  const after = button("▶", { className: "rows-after", ariaLabel: "next rows" }, () => change({ page: state.page + 1 }));
  const saving = ["csv", "parquet"].map((kind) => button(kind === "csv" ? "CSV" : "Parquet", { className: "save", title: "save all rows that are found, in this order" }, () => save(seen(), name, kind)));
  const where = element("div", { className: "where" }, ...saving, before, position, after);
  const head = element("tr");
  const body = element("tbody");
  const table = element("table", { className: "wide cards-of" }, element("thead", {}, head), body);
  box.append(element("div", { className: "tools" }, ...made.map(([, label]) => label), element("label", { className: "order" }, "sort by ", order), where), element("div", { className: "scroll" }, table));
  let state = { sort: "", groups: [], page: 1 };
  let rows = [];
  let groups = null; // where rows are grouped

  function headOf(text, numbers) {
    const [by, falling] = sortOf(state.sort);
    const made = element("th", { className: numbers ? "number" : "", scope: "col" });
    made.append(button(text, {}, () => change({ sort: (by === text ? !falling : numbers) ? `-${text}` : text, page: 1 })));
    made.setAttribute("aria-sort", by !== text ? "none" : falling ? "descending" : "ascending");
    return made;
  }

  function cellOf(label, value, link) {
    const text = typeof value === "number" ? shownNumber(value) : (value ?? "");
    const made = element("td", { className: typeof value === "number" ? "number" : text.length > 40 ? "break long" : "break" }, link && text ? Object.assign(link, { textContent: text }) : text);
    made.dataset.name = label;
    return made;
  }

  const groupCells = ({ places, count }) => {
    const wishes = state.groups.map((facet, n) => [facet, places[n] < 0 ? "" : String(byName.get(facet).values[places[n]])]);
    const into = element("a", { href: "#", title: "these rows" });
    into.addEventListener("click", (event) => {
      event.preventDefault();
      event.stopPropagation();
      narrow(wishes);
    });
    const named = wishes.map(([facet, value], n) => cellOf(facet, value || "–", n ? null : into));
    const share = Object.assign(cellOf("share", `${((100 * count) / rows.length).toFixed(1)} %`), { className: "number" });
    return [...named, cellOf("rows", count), share];
  };

  function groupOrder() {
    const [by, falling] = sortOf(state.sort);
    const place = state.groups.indexOf(by);
    const key = place < 0 ? (one) => one.count : (one) => (one.places[place] < 0 ? Infinity : one.places[place]);
    const sign = (state.sort ? falling : true) ? -1 : 1;
    groups.sort((a, b) => sign * (key(a) - key(b)) || a.places[0] - b.places[0] || a.places[1] - b.places[1]);
  }

  // What the table shows on all its pages, as columns to export.
  function seen() {
    if (!groups) return columns.map((column) => ({ name: column.name, numbers: column.numbers, data: Array.from(rows, (row) => column.value(row)) }));
    const named = state.groups.map((facet, n) => ({ name: facet, numbers: false, data: groups.map(({ places }) => (places[n] < 0 ? "" : String(byName.get(facet).values[places[n]]))) }));
    return [...named, { name: "rows", numbers: true, data: groups.map(({ count }) => count) }];
  }

  function draw() {
    const heads = groups ? [...state.groups.map((one) => headOf(one, false)), headOf("rows", true), element("th", { className: "number", textContent: "share" })] : columns.map((column) => headOf(column.name, column.numbers));
    const focused = [...head.children].findIndex((one) => one.contains(document.activeElement));
    head.replaceChildren(...heads);
    const orders = heads.map((one) => one.querySelector("button")?.textContent).filter(Boolean);
    order.replaceChildren(new Option("nothing", ""), ...orders.flatMap((one) => [new Option(`${one} ▲`, one), new Option(`${one} ▼`, `-${one}`)]));
    order.value = state.sort;
    if (focused >= 0) heads[focused]?.querySelector("button")?.focus();
    const all = groups || rows;
    const pages = Math.max(1, Math.ceil(all.length / ROWS_A_PAGE));
    const page = Math.min(state.page, pages);
    const first = (page - 1) * ROWS_A_PAGE;
    const shown = [...all.slice(first, first + ROWS_A_PAGE)];
    const cells = groups ? groupCells : (row) => columns.map((column) => cellOf(column.name, column.value(row), linkOf(column, row)));
    body.replaceChildren(...shown.map((one) => element("tr", {}, ...cells(one))));
    if (!shown.length) body.append(element("tr", {}, element("td", { className: "quiet", colSpan: heads.length, textContent: "no row fits" })));
    position.textContent = shown.length ? `${(first + 1).toLocaleString("en")}–${(first + shown.length).toLocaleString("en")} of ${all.length.toLocaleString("en")}${groups ? " groups" : ""}` : "no row fits";
    before.disabled = page <= 1;
    after.disabled = page >= pages;
    state.page = page;
  }

  return (found, wanted) => {
    state = { ...wanted, groups: wanted.groups.filter((one) => byName.has(one)) };
    const [by, falling] = sortOf(state.sort);
    menus.forEach((one, n) => (one.value = state.groups[n] || ""));
    made[1][1].hidden = !state.groups.length;
    rows = !state.groups.length && byName.has(by) ? byName.get(by).sorted(found, falling) : found;
    groups = state.groups.length ? grouped(state.groups.map((one) => byName.get(one)), found) : null;
    if (groups) groupOrder();
    draw();
    makeReachable(box);
  };
}
