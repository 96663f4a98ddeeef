// An explorer: filters, search, a list or a table, one item whole, another one beside it or compared with it. Keys j and k. All that is chosen
// stands in the address: the item, then what is asked for. What is asked of an item's parts (the attempts of a
// blueprint), one and the same part must have.
"use strict";

const LISTED = 40;
const OURS = ["find", "with", "part", "message", "view", "sort", "group", "page"]; // what is no filter in an address

function explorerState(fragment) {
  const { item, said } = parsed(fragment);
  const [find, other, part, message] = ["find", "with", "part", "message"].map((name) => said.get(name) || "");
  const wishes = [...said].filter(([name]) => !OURS.includes(name));
  return { item, wishes, find, other, part, message, table: said.get("view") === "table", ...gridState(said) };
}

function explorerFragment(state) {
  const said = new URLSearchParams(state.wishes);
  for (const [name, value] of [["find", state.find], ["view", state.table ? "table" : ""]]) if (value) said.set(name, value);
  putGridState(said, state);
  for (const [name, value] of [["with", state.other], ["part", state.part], ["message", state.message]]) if (value) said.set(name, value);
  return spelled(state.item, said);
}

async function startExplorer(site, root) {
  const { page } = site;
  const { told, tables } = await unpackColumns(blocks(root, "index")[0]);
  const [ids, marks, lines, groups] = ["id", "mark", "line", "group"].map((name) => tables.get("texts").get(name));
  const items = tables.get("items") || new Map();
  const all = Uint32Array.from(ids.codes.keys());
  const fit = fitting({ items, parts: tables.get("parts"), starts: tables.get("starts").get("starts").codes });
  const one = (selector) => root.querySelector(selector);
  const menus = [...root.querySelectorAll("select[data-facet]")];
  const beside = one(".with");
  const anyTwo = one(".any"); // where any two can be compared, the field for another one's id
  const chunks = blocks(root, "chunk");
  const unpacked = new Map();
  let state = explorerState("");
  let found = all;
  let partsOf = () => [];
  let at = 0;
  let asking = 0; // counts what was asked for, and what was to be shown: what is slow gives way to what came after it
  let showing = 0;
  let typing = false;
  let left = ""; // the address as it was left

  const rowOf = (id) => (ids.values.includes(id) ? ids.codes.indexOf(ids.values.indexOf(id)) : -1);
  const whole = (number) => {
    if (!unpacked.has(number)) unpacked.set(number, unpack(chunks[number]));
    return unpacked.get(number);
  };
  const htmlOf = async (row) => {
    if (site.ask) return site.ask(root.dataset.number, ids.value(row));
    const parts = await whole(Math.floor(row / told.chunk)); // HTML of each, then the data of each
    return parts[row % told.chunk] + parts[parts.length / 2 + (row % told.chunk)];
  };
  const search = searching(site, root, { ids, lines, htmlOf, chunk: told.chunk });

  function write(push) {
    left = explorerFragment(state);
    site.write(page, left, push);
  }

  // What somebody asked for: into the address, then to be seen.
  function commit(more, push = true) {
    state = { ...state, part: "", message: "", ...more };
    write(push);
    return apply();
  }

  const drop = (wish) => commit({ wishes: state.wishes.filter((kept) => kept !== wish), item: "", page: 1 });
  const ask = (facet, value) => commit({ wishes: [...state.wishes.filter(([name]) => name !== facet), ...(value ? [[facet, value]] : [])], item: "", page: 1 });
  const columns = [ids, ...items.values()];
  const showGrid = makeGrid(one(".grid"), columns, root.dataset.unit, {
    change: (more) => commit(more),
    narrow: (added) => commit({ wishes: [...state.wishes, ...added], groups: [], sort: "", item: "", page: 1 }),
    linkOf: (column, row) => (column === ids ? linkTo(row, { table: false }) : null),
  });

  function linkTo(row, more = {}) {
    const item = ids.value(row);
    const link = element("a", { href: site.href(page, explorerFragment({ ...state, other: "", part: "", message: "", ...more, item })) });
    link.addEventListener("click", (event) => {
      event.preventDefault();
      event.stopPropagation();
      if (more.table === false) commit({ ...more, item });
      else choose(found.indexOf(row), true);
    });
    return link;
  }

  for (const menu of menus) {
    const counts = items.get(menu.dataset.facet)?.counts(all) || [];
    for (const [value, count] of counts) menu.add(Object.assign(new Option(`${value.slice(0, 60)} (${count})`, value), { title: value }));
    menu.parentElement.hidden = !counts.length || (counts.length === 1 && counts[0][1] === all.length);
    menu.addEventListener("change", () => ask(menu.dataset.facet, menu.value));
  }

  function showAsked() {
    for (const menu of menus) menu.value = "";
    const chips = [];
    for (const wish of state.wishes) {
      const menu = menus.find((menu) => menu.dataset.facet === wish[0] && !menu.value);
      if (menu) menu.value = wish[1];
      if (!menu || menu.value !== wish[1]) chips.push([`${wish[0]}: ${wish[1] || "–"}`, () => drop(wish)]);
    }
    const [by, falling] = sortOf(state.sort);
    if (!state.table && state.sort) chips.push([`sorted by ${by}${falling ? ", falling" : ""}`, () => commit({ sort: "" })]);
    one(".chips").replaceChildren(...chipsOf(chips));
    if (one(".find") !== document.activeElement || !typing) one(".find").value = state.find;
    one(".as").textContent = state.table ? "as a list" : "as a table";
  }

  async function apply() {
    const mine = ++asking;
    one(".shown-item").ariaBusy = "true";
    showAsked();
    const fitted = fit(state.wishes);
    partsOf = fitted.partsOf;
    const text = state.find.trim().toLowerCase().replace(/\s+/g, " ");
    const put = (held, done) => {
      if (mine !== asking) return false;
      found = all.filter((row) => fitted.fits(row) && (!held || held[row]));
      const [by, falling] = sortOf(state.sort);
      const column = state.groups.length ? null : columns.find(({ name }) => name === by);
      if (column) found = column.sorted(found, falling);
      return show(done, mine);
    };
    return text ? search(text, put) : put(null, true);
  }

  async function show(done, mine) {
    const wanted = state.item;
    at = Math.max(0, found.indexOf(rowOf(wanted)));
    root.classList.toggle("as-table", state.table);
    if (state.table) {
      showGrid(found, state);
      one(".shown-item").ariaBusy = null;
      return true;
    }
    await showItem();
    if (mine !== asking) return false;
    if (!done) one(".position").textContent += " so far";
    if (wanted && rowOf(wanted) < 0) one(".position").textContent += ` · ${wanted} is not on this page`;
    return true;
  }

  // An item of the list. A step by key or arrow replaces the address, a click makes a new one.
  function choose(place, push) {
    state = { ...state, item: ids.value(found[place]), other: "", part: "", message: "" };
    at = place;
    if (push) write(true);
    return showItem();
  }

  function showList() {
    const first = Math.floor(at / LISTED) * LISTED;
    const jump = (text, place) => {
      const button = element("button", { type: "button", textContent: text });
      button.addEventListener("click", () => choose(place, true));
      return button;
    };
    const links = Array.from(found.subarray(first, first + LISTED), (row, number) => {
      const [mark, line] = [marks.value(row), lines.value(row)];
      const kind = { "✓": "held", "✗": "fell", "?": "undecided" }[mark] || "quiet";
      const link = Object.assign(linkTo(row), { title: line });
      link.append(element("span", { className: kind, textContent: mark }), element("b", { textContent: ids.value(row) }), element("small", { textContent: line }));
      if (first + number === at) link.setAttribute("aria-current", "true");
      return link;
    });
    const counted = state.wishes.length ? found.reduce((sum, row) => sum + partsOf(row).length, 0) : 0;
    const { part, unit } = root.dataset;
    const said = [];
    if (counted > found.length) said.push(`${counted.toLocaleString("en")} ${part} of ${found.length.toLocaleString("en")} ${unit}`);
    if (found.length > LISTED) said.push(`${first + 1}–${first + links.length} of ${found.length}`);
    const head = said.map((textContent) => element("p", { className: "quiet", textContent }));
    const before = first ? [jump(`▲ ${LISTED} before`, first - LISTED)] : [];
    const after = first + LISTED < found.length ? [jump(`▼ ${Math.min(LISTED, found.length - first - LISTED)} more`, first + LISTED)] : [];
    const box = one(".list");
    box.replaceChildren(...head, ...before, ...links, ...after);
    const here = box.querySelector("[aria-current]");
    if (here && box.scrollHeight > box.clientHeight) box.scrollTop = here.offsetTop - box.offsetTop - box.clientHeight / 2;
  }

  // The others of the item's group, of which one can stand beside it; gives the one that does.
  function showBeside(row) {
    if (!beside) return -1;
    const group = row === undefined ? [] : Array.from(all.filter((one) => groups.codes[one] === groups.codes[row] && one !== row && groups.value(row)));
    const other = rowOf(state.other);
    if (anyTwo && row !== undefined && other >= 0 && !group.includes(other)) group.push(other);
    const more = anyTwo && row !== undefined ? [new Option("another one …", "…")] : [];
    beside.replaceChildren(new Option("nothing", ""), ...group.map((one) => new Option(`${marks.value(one)} ${ids.value(one)}`, ids.value(one))), ...more);
    beside.value = group.includes(other) ? state.other : "";
    one(".beside-menu").hidden = beside.length < 2;
    if (anyTwo) anyTwo.parentElement.hidden = true;
    return beside.value ? other : -1;
  }

  function compareWith() {
    if (beside.value !== "…") return commit({ other: beside.value });
    anyTwo.parentElement.hidden = false;
    anyTwo.value = "";
    anyTwo.focus();
    offer();
  }

  // Of all items those whose ids or lines hold what is typed; an id that is complete is compared with.
  function offer() {
    const typed = anyTwo.value.trim();
    if (rowOf(typed) >= 0) return commit({ other: typed });
    const options = [];
    for (let row = 0; row < all.length && options.length < LISTED; row += 1) {
      const told = `${ids.value(row)} ${lines.value(row)}`;
      if (row !== found[at] && told.toLowerCase().includes(typed.toLowerCase())) options.push(row);
    }
    one("datalist").replaceChildren(...options.map((row) => element("option", { value: ids.value(row), textContent: `${marks.value(row)} ${lines.value(row)}` })));
  }

  // From a diff to one of the two, or to both the other way round; filters go where they would hide it.
  function leadTo(item, other = "") {
    const isFound = found.includes(rowOf(item));
    commit({ item, other, ...(isFound ? {} : { wishes: [], find: "" }) });
  }

  async function showItem() {
    const mine = ++showing;
    const row = found[at];
    one(".shown-item").ariaBusy = "true";
    state.item = row === undefined ? "" : ids.value(row);
    one(".shown-id").textContent = state.item;
    one(".position").textContent = found.length ? `${at + 1} of ${found.length}` : "0 of 0";
    one(".previous").disabled = at <= 0;
    one(".next").disabled = at >= found.length - 1;
    showList();
    const second = showBeside(row);
    if (anyTwo && state.other && second < 0) one(".position").textContent += ` · ${state.other} is not on this page`;
    state.other = second < 0 ? "" : ids.value(second);
    write(false);
    const shown = row === undefined ? [] : [row, second].filter((one) => one >= 0);
    const htmls = shown.length ? await Promise.all(shown.map(htmlOf)) : ["<p class='panel quiet'>Nothing fits these filters.</p>"];
    if (mine !== showing) return false;
    putItems(shown, htmls);
    openPart(row);
    if (state.message) goTo(state.item, state.message);
    return true;
  }

  // Two that can be compared turn by turn are; else each stands for itself.
  function boxesOf(shown, htmls) {
    const [one, other] = shown.map(ids.value, ids);
    const both = shown.length > 1 ? htmls.map(comparableOf) : [null];
    if (both.every(Boolean)) {
      const href = (item) => site.href(page, explorerFragment({ ...state, item, other: "", part: "", message: "" }));
      return [drawDiff({ ...both[0], id: one }, { ...both[1], id: other }, { href, open: leadTo, swap: () => leadTo(other, one) })];
    }
    return htmls.map((html, number) => {
      const box = element("div", { className: "item", innerHTML: html });
      if (!shown.length) return box;
      const id = ids.value(shown[number]);
      box.dataset.id = id;
      box.prepend(element("h2", { className: htmls.length > 1 ? "" : "unseen", textContent: id }));
      return box;
    });
  }

  function putItems(shown, htmls) {
    const boxes = boxesOf(shown, htmls);
    one(".shown-item").classList.toggle("beside", boxes.length > 1);
    one(".shown-item").replaceChildren(...boxes);
    one(".shown-item").ariaBusy = null;
    makeReachable(one(".shown-item"));
  }

  // Of an item's parts the one that is asked for stands open, and in sight.
  function openPart(row) {
    const wanted = state.part || (row === undefined ? "" : String(partsOf(row)[0] ?? ""));
    const folds = [...one(".shown-item").querySelectorAll(".item:first-child details[data-part]")];
    const fold = folds.find((one) => one.dataset.part === wanted);
    if (!fold) return;
    for (const other of folds) other.open = other === fold;
    const { top } = fold.getBoundingClientRect();
    if (top < 0 || top > innerHeight * 0.6) fold.scrollIntoView({ block: "start" });
  }

  // A message of an item that is shown, by its number.
  function goTo(id, message) {
    const turns = [...one(".shown-item").querySelectorAll(`:is(.turn, .marks)[data-turn="${CSS.escape(message)}"]`)];
    const place = turns.find((turn) => turn.closest("[data-id]").dataset.id === id);
    if (!place) return;
    for (let fold = place.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    place.tabIndex = -1;
    place.scrollIntoView({ block: "center" });
    place.focus({ preventScroll: true });
  }

  function follow() {
    const fragment = site.read(page);
    if (!fragment && left) return site.write(page, left); // as it was left
    const wanted = explorerState(fragment);
    const isShown = (id) => [...one(".shown-item").querySelectorAll("[data-id]")].some((box) => box.dataset.id === id);
    if (wanted.message && isShown(wanted.item) && (!wanted.other || isShown(wanted.other))) {
      if (wanted.item === state.item) state.message = wanted.message; // filters stay
      write(false);
      return goTo(wanted.item, wanted.message);
    }
    state = wanted;
    typing = false;
    if (fragment && root.previousElementSibling?.previousElementSibling?.tagName === "H2") root.scrollIntoView();
    return apply();
  }

  const step = (by) => !state.table && found[at + by] !== undefined && choose(at + by, false);
  // in a narrow window filters and list give way to the item until they are asked for
  one(".choose").addEventListener("click", ({ currentTarget }) => {
    currentTarget.setAttribute("aria-expanded", String(root.classList.toggle("choosing")));
  });
  one(".previous").addEventListener("click", () => step(-1));
  one(".next").addEventListener("click", () => step(1));
  one(".as").addEventListener("click", () => commit({ table: !state.table, groups: [], page: 1 }));
  one(".find").addEventListener("input", () => {
    const first = !typing;
    typing = true;
    commit({ find: one(".find").value, item: "", page: 1 }, first);
  });
  one(".find").addEventListener("blur", () => (typing = false));
  if (beside) beside.addEventListener("change", compareWith);
  if (anyTwo) anyTwo.addEventListener("input", offer);
  follow();
  return { follow, step };
}
