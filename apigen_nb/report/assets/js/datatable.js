// A table of many rows: words are found in any column, filters ask for a value of one. All of it stands in the address.
"use strict";

async function startTable(site, root) {
  const { page } = site;
  const { told, tables } = await unpackColumns(blocks(root, "rows")[0]);
  const all = tables.get("rows") || new Map();
  const columns = [...all.values()].filter(({ hidden }) => !hidden);
  const parts = all.get("part");
  const count = columns[0]?.codes.length || 0;
  const { name } = told;
  const find = root.querySelector("input[type=search]");
  let wishes = [];
  let state = gridState(new URLSearchParams());
  let typing = false;

  function linkOf({ link, name, value }, row) {
    if (!link) return null;
    const part = parts ? `?part=${parts.value(row)}` : "";
    return element("a", { href: `${link}.html#${encodeURIComponent(all.get(name).value(row))}${part}` });
  }

  const change = (more) => commit({ ...state, ...more }, wishes);
  const narrow = (added) => commit({ ...state, groups: [], sort: "", page: 1 }, [...wishes, ...added]);
  const show = makeGrid(root.querySelector(".grid"), columns, name, { change, narrow, linkOf });
  const filters = filterMenus(columns, (wish) => commit({ ...state, page: 1 }, [...wishes, wish]));
  root.querySelector(".filters").append(...filters.menus);

  function found() {
    const masks = wishes.map(([column, value]) => [all.get(column)?.codes, all.get(column)?.having(value)]);
    const words = find.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const matches = words.map((word) => columns.map((column) => [column.codes, column.matching(word)]));
    const rows = new Uint32Array(count);
    let held = 0;
    for (let row = 0; row < count; row++) {
      const fits = masks.every(([codes, mask]) => mask && mask[codes[row]]);
      if (fits && matches.every((some) => some.some(([codes, mask]) => mask[codes[row]]))) rows[held++] = row;
    }
    return rows.slice(0, held);
  }

  function apply() {
    const rows = found();
    root.querySelector(".chips").replaceChildren(...chipsOf(wishes.map((wish) => [`${wish[0]}: ${wish[1] || "–"}`, () => commit({ ...state, page: 1 }, wishes.filter((one) => one !== wish))])));
    filters.of(rows);
    show(rows, state);
  }

  function commit(wanted, asked, push = true) {
    [state, wishes] = [wanted, asked];
    site.change(page, (said) => {
      for (const key of [...said.keys()]) if (key.startsWith(`${name}:`) || key === `${name}.find`) said.delete(key);
      for (const [column, value] of wishes) said.append(`${name}:${column}`, value);
      if (find.value) said.set(`${name}.find`, find.value);
      putGridState(said, state, `${name}.`);
    }, push);
    apply();
  }

  function follow(first = false) {
    const { said } = parsed(site.read(page));
    if (first && [...said.keys()].some((key) => key.startsWith(`${name}:`) || key.startsWith(`${name}.`))) root.scrollIntoView();
    state = gridState(said, `${name}.`);
    wishes = [...said].filter(([key]) => key.startsWith(`${name}:`)).map(([key, value]) => [key.slice(name.length + 1), value]);
    find.value = said.get(`${name}.find`) || "";
    apply();
  }

  find.addEventListener("input", () => {
    commit({ ...state, page: 1 }, wishes, !typing);
    typing = true;
  });
  find.addEventListener("blur", () => (typing = false));
  follow(true);
  return { follow };
}
