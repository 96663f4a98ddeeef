// An explorer: filters, search, a list, one item whole, another one beside it. Keys j and k; the item's id is the address.
// What is asked of an item's parts (the attempts of a blueprint), one and the same part must have.
"use strict";

const LISTED = 40;

async function startExplorer(site, root) {
  const { page } = site;
  const { chunk, items } = await unpack(blocks(root, "index")[0]);
  const chunks = blocks(root, "chunk");
  const unpacked = new Map();
  const one = (selector) => root.querySelector(selector);
  const menus = [...root.querySelectorAll("select[data-facet]")];
  const beside = one(".with");
  const decoder = document.createElement("textarea");
  const asked = new Map(); // filters from the address that have no menu
  const texts = new Map();
  let found = items;
  let at = 0;
  let turn = 0;
  let shown = false; // whether anything was ever

  items.forEach((item, place) => (item.place = place));
  const partly = new Set(items.flatMap((item) => item.parts.flatMap(Object.keys)));
  const valuesOf = (item, facet) => [...new Set([item.facets, ...item.parts].flatMap((part) => part[facet] ?? []))];
  const has = (facets, [facet, value]) => [facets[facet] ?? []].flat().includes(value);
  const wishes = () => [...menus.filter((menu) => menu.value).map((menu) => [menu.dataset.facet, menu.value]), ...asked];
  const ofParts = () => wishes().filter(([facet]) => partly.has(facet));
  const fitting = (item, all) => item.parts.flatMap((part, number) => (all.every((wish) => has(part, wish)) ? [number] : []));
  const whole = (number) => {
    if (!unpacked.has(number)) unpacked.set(number, unpack(chunks[number]));
    return unpacked.get(number);
  };
  const htmlOf = async (item) => {
    if (site.ask) return site.ask(root.dataset.number, item.id);
    return (await whole(Math.floor(item.place / chunk)))[item.place % chunk];
  };

  for (const menu of menus) {
    const counts = new Map();
    for (const item of items) for (const value of valuesOf(item, menu.dataset.facet)) counts.set(value, (counts.get(value) || 0) + 1);
    const sorted = [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0], "en", { numeric: true }));
    for (const [value, count] of sorted) menu.add(Object.assign(new Option(`${value.slice(0, 60)} (${count})`, value), { title: value }));
    const same = counts.size === 1 && items.every((item) => valuesOf(item, menu.dataset.facet).length);
    if (!counts.size || same) menu.parentElement.hidden = true;
    menu.addEventListener("change", () => filter());
  }

  // What holds a text: Python looks through its files, a static page through its items.
  async function holding(text) {
    const told = (item) => `${item.id} ${item.line}`.toLowerCase();
    if (site.ask) {
      const ids = new Set(await site.ask(root.dataset.number, "", text));
      return (item) => ids.has(item.id) || told(item).includes(text);
    }
    if (texts.size < items.length) await readTexts();
    return (item) => texts.get(item).includes(text);
  }

  async function readTexts() {
    for (const item of items) {
      if (texts.has(item)) continue;
      decoder.innerHTML = (await htmlOf(item)).replace(/<[^>]*>/g, " ");
      texts.set(item, `${item.id} ${item.line} ${decoder.value}`.toLowerCase().replace(/\s+/g, " "));
    }
  }

  // A message of an item that is shown, by its number.
  function goTo(id, message) {
    const box = [...one(".shown-item").children].find((box) => box.dataset.id === id);
    const found = box?.querySelector(`:is(.turn, .marks)[data-turn="${CSS.escape(message)}"]`);
    if (!found) return;
    found.tabIndex = -1;
    found.scrollIntoView({ block: "center" });
    found.focus({ preventScroll: true });
  }

  async function filter(id, other, part) {
    const mine = ++turn;
    one(".shown-item").ariaBusy = "true";
    const parts = ofParts();
    const whole = wishes().filter((wish) => !parts.some(([facet]) => facet === wish[0]));
    const wanted = one(".find").value.trim().toLowerCase().replace(/\s+/g, " ");
    const fits = (item) => whole.every((wish) => has(item.facets, wish)) && (!parts.length || fitting(item, parts).length);
    const holds = wanted ? await holding(wanted) : () => true;
    if (mine !== turn) return; // somebody typed on
    found = items.filter((item) => fits(item) && holds(item));
    return show(Math.max(0, found.findIndex((item) => item.id === id)), other, part);
  }

  function showChips() {
    const chips = [...asked].map(([facet, value]) => {
      const chip = element("button", { type: "button", textContent: `${facet}: ${value} ✕`, ariaLabel: `drop the filter ${facet}: ${value}` });
      chip.addEventListener("click", () => {
        asked.delete(facet);
        filter();
      });
      return chip;
    });
    one(".chips").replaceChildren(...chips);
  }

  function showList() {
    const first = Math.floor(at / LISTED) * LISTED;
    const jump = (text, place) => {
      const button = element("button", { type: "button", textContent: text });
      button.addEventListener("click", () => show(place));
      return button;
    };
    const links = found.slice(first, first + LISTED).map((item, number) => {
      const link = element("a", { href: "#" + encodeURIComponent(item.id), title: item.line });
      link.append(element("span", { className: item.mark === "✓" ? "held" : item.mark === "✗" ? "fell" : item.mark === "?" ? "undecided" : "quiet", textContent: item.mark }));
      link.append(element("b", { textContent: item.id }), element("small", { textContent: item.line }));
      if (first + number === at) link.setAttribute("aria-current", "true");
      link.addEventListener("click", (event) => {
        event.preventDefault();
        event.stopPropagation();
        show(first + number);
      });
      return link;
    });
    const box = one(".list");
    const parts = ofParts();
    const counted = parts.length ? found.reduce((sum, item) => sum + fitting(item, parts).length, 0) : 0;
    const { part, unit } = root.dataset;
    const told = [];
    if (counted > found.length) told.push(`${counted.toLocaleString("en")} ${part} of ${found.length.toLocaleString("en")} ${unit}`);
    if (found.length > LISTED) told.push(`${first + 1}–${first + links.length} of ${found.length}`);
    const head = told.map((textContent) => element("p", { className: "quiet", textContent }));
    const before = first ? [jump(`▲ ${LISTED} before`, first - LISTED)] : [];
    const after = first + LISTED < found.length ? [jump(`▼ ${Math.min(LISTED, found.length - first - LISTED)} more`, first + LISTED)] : [];
    box.replaceChildren(...head, ...before, ...links, ...after);
    const here = box.querySelector("[aria-current]");
    if (here && box.scrollHeight > box.clientHeight) box.scrollTop = here.offsetTop - box.offsetTop - box.clientHeight / 2;
  }

  function showMenu(item, other) {
    if (!beside) return;
    const group = item ? items.filter((one) => one.group && one.group === item.group && one !== item) : [];
    beside.replaceChildren(new Option("nothing", ""), ...group.map((one) => new Option(`${one.mark} ${one.id}`, one.id)));
    beside.value = other && group.some((one) => one.id === other) ? other : "";
    one(".beside-menu").hidden = !group.length;
  }

  async function show(index, other, part) {
    at = index;
    one(".shown-item").ariaBusy = "true";
    const item = found[at];
    one(".shown-id").textContent = item ? item.id : "";
    one(".position").textContent = found.length ? `${at + 1} of ${found.length}` : "0 of 0";
    one(".previous").disabled = at <= 0;
    one(".next").disabled = at >= found.length - 1;
    showChips();
    showList();
    showMenu(item, other);
    const second = beside && beside.value ? items.find((one) => one.id === beside.value) : null;
    const kept = new URLSearchParams({ ...(second && { with: second.id }), ...(part && { part }) }).toString();
    if (item) site.write(page, encodeURIComponent(item.id) + (kept && `?${kept}`));
    const htmls = item ? await Promise.all([item, second].filter(Boolean).map(htmlOf)) : ["<p class='panel quiet'>Nothing fits these filters.</p>"];
    if (found[at] !== item) return;
    const boxes = htmls.map((html, number) => {
      const box = element("div", { className: "item", innerHTML: html });
      if (item) box.dataset.id = [item, second][number].id;
      if (item) box.prepend(element("h2", { className: htmls.length > 1 ? "" : "unseen", textContent: [item, second][number].id }));
      return box;
    });
    one(".shown-item").classList.toggle("beside", boxes.length > 1);
    one(".shown-item").replaceChildren(...boxes);
    one(".shown-item").ariaBusy = null;
    shown = true;
    const parts = ofParts();
    const wanted = part ?? (item && parts.length ? String(fitting(item, parts)[0]) : null);
    if (wanted !== null && boxes[0].querySelector(`details[data-part="${CSS.escape(wanted)}"]`)) {
      for (const fold of boxes[0].querySelectorAll("details[data-part]")) fold.open = fold.dataset.part === wanted;
    }
    makeReachable(one(".shown-item"));
  }

  function follow() {
    if (found[at] && shown && !site.read(page)) return site.write(page, encodeURIComponent(found[at].id)); // as it was left
    const [name, query = ""] = site.read(page).split("?");
    const id = decodeURIComponent(name);
    const said = new URLSearchParams(query);
    const [other, part, message] = ["with", "part", "message"].map((name) => said.get(name));
    for (const name of ["with", "part", "message"]) said.delete(name);
    if (message && [...one(".shown-item").children].some((box) => box.dataset.id === id)) return goTo(id, message);
    const filtered = [...said].length > 0;
    if (filtered || !found.some((item) => item.id === id)) {
      // The address wins over filters left from before.
      for (const menu of menus) menu.value = "";
      asked.clear();
      one(".find").value = said.get("find") || "";
      said.delete("find");
      for (const [facet, value] of said) {
        const menu = menus.find((menu) => menu.dataset.facet === facet);
        if (menu) menu.value = value;
        if (!menu || menu.value !== value) asked.set(facet, value);
      }
    }
    if ((id || filtered) && root.previousElementSibling?.previousElementSibling?.tagName === "H2") root.scrollIntoView();
    filter(id, other, part).then(() => {
      if (message) goTo(id, message);
      if (id && !items.some((item) => item.id === id)) one(".position").textContent += ` · ${id} is not on this page`;
    });
  }

  const step = (by) => found[at + by] && show(at + by);
  // in a narrow window filters and list give way to the item until they are asked for
  one(".choose").addEventListener("click", ({ currentTarget }) => {
    currentTarget.setAttribute("aria-expanded", String(root.classList.toggle("choosing")));
  });
  one(".previous").addEventListener("click", () => step(-1));
  one(".next").addEventListener("click", () => step(1));
  one(".find").addEventListener("input", () => filter());
  if (beside) beside.addEventListener("change", () => show(at, beside.value));
  follow();
  return { follow, step };
}
