// What of an explorer fits: filters on items and on their parts, and a text in what an item says.
"use strict";

// Which items fit what is asked for, by their columns: `fit(wishes)` gives a test for a row and the parts of a row that fit.
function fitting({ items, parts = new Map(), starts }) {
  const asked = (columns, wishes) => wishes.map(([facet, value]) => [columns.get(facet)?.codes, columns.get(facet)?.having(value)]);
  const holds = (tests, row) => tests.every(([codes, mask]) => mask && mask[codes[row]]);
  return (wishes) => {
    const ofParts = asked(parts, wishes.filter(([facet]) => parts.has(facet)));
    const whole = asked(items, wishes.filter(([facet]) => !parts.has(facet)));
    const partsOf = (row) => {
      const found = [];
      for (let at = starts[row]; at < starts[row + 1]; at++) if (holds(ofParts, at)) found.push(at - starts[row]);
      return found;
    };
    return { fits: (row) => holds(whole, row) && (!ofParts.length || partsOf(row).length > 0), partsOf: ofParts.length ? partsOf : () => [] };
  };
}

// What holds a text, told as it is found: Python looks through its files, a static page through its items.
function searching(site, root, { ids, lines, htmlOf, chunk }) {
  const count = ids.codes.length;
  const decoder = document.createElement("textarea");
  const texts = [];
  let last = { text: "", held: null };
  const rowOf = new Map();

  async function textOf(row) {
    decoder.innerHTML = (await htmlOf(row)).replace(/<script.*?<\/script>|<[^>]*>/gs, " ");
    return `${ids.value(row)} ${lines.value(row)} ${decoder.value}`.toLowerCase().replace(/\s+/g, " ");
  }

  // Marks what the next slice of them holds; gives where to look on, or -1.
  async function slice(text, held, next) {
    if (site.ask) {
      const answer = await site.ask(root.dataset.number, "", text, next);
      if (!rowOf.size) for (let row = 0; row < count; row++) rowOf.set(ids.value(row), row);
      for (const id of answer.ids) if (rowOf.has(id)) held[rowOf.get(id)] = 1;
      return answer.next;
    }
    const end = Math.min(count, next + chunk);
    for (let row = next; row < end; row++) if ((texts[row] ??= await textOf(row)).includes(text)) held[row] = 1;
    return end < count ? end : -1;
  }

  return async (text, told) => {
    if (text === last.text) return told(last.held, true);
    const [inIds, inLines] = [ids, lines].map((column) => column.matching(text));
    const held = Uint8Array.from({ length: count }, (_, row) => inIds[ids.codes[row]] || inLines[lines.codes[row]]);
    for (let next = 0; next >= 0; ) {
      next = await slice(text, held, next);
      if (next < 0) last = { text, held };
      if (!(await told(held, next < 0))) return;
    }
  };
}
