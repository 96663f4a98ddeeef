// Rows in columns, as columns.py packs them: a row's code says where its value stands among the distinct ones of its
// column, which are in order. Rows are filtered, sorted, counted and grouped by their codes; a value may be several texts.
"use strict";

class Column {
  constructor({ values, sets, numbers, ...more }, codes) {
    Object.assign(this, more, { values, codes, numbers: Boolean(numbers) });
    this.sets = sets || values.map((_, place) => [place]); // code → places of its texts
    this.none = this.sets.findIndex((set) => !set.length); // the code of no text, which is the last one
  }

  texts(row) {
    return this.sets[this.codes[row]].map((place) => this.values[place]);
  }

  // As it is shown and exported: a number (null: none), or a text.
  value(row) {
    const found = this.texts(row);
    return this.numbers ? (found[0] ?? null) : found.join(", ");
  }

  // For every code, whether it fits.
  mask(fits) {
    return Uint8Array.from(this.sets, (set) => set.some((place) => fits(place)));
  }

  having(value) {
    const wanted = this.numbers ? this.values.findIndex((one) => String(one) === value) : this.values.indexOf(value);
    return value === "" ? Uint8Array.from(this.sets, (set) => !set.length) : this.mask((place) => place === wanted);
  }

  matching(word) {
    this.lower ??= this.values.map((value) => String(value).toLowerCase());
    return this.mask((place) => this.lower[place].includes(word));
  }

  // The rows in order, equal ones as they stood; those without a value last.
  sorted(rows, falling) {
    const last = this.none < 0 ? this.sets.length - 1 : this.none - 1;
    const rank = (row) => (falling && this.codes[row] <= last ? last - this.codes[row] : this.codes[row]);
    const starts = new Uint32Array(this.sets.length + 1);
    for (const row of rows) starts[rank(row) + 1]++;
    for (let code = 1; code < starts.length; code++) starts[code] += starts[code - 1];
    const found = new Uint32Array(rows.length);
    for (const row of rows) found[starts[rank(row)]++] = row;
    return found;
  }

  // How many of the rows have each value: [value, count] pairs, the commonest first.
  counts(rows) {
    const ofCodes = new Uint32Array(this.sets.length);
    for (const row of rows) ofCodes[this.codes[row]]++;
    const counts = new Uint32Array(this.values.length);
    this.sets.forEach((set, code) => set.forEach((place) => (counts[place] += ofCodes[code])));
    const places = [...counts.keys()].filter((place) => counts[place]);
    return places.sort((a, b) => counts[b] - counts[a] || a - b).map((place) => [String(this.values[place]), counts[place]]);
  }
}

// Groups of rows that share a value of each of one or two columns: the values' places (-1: none), and how many rows.
// A row with several values counts in the group of each.
function grouped(columns, rows) {
  const [one, other] = columns;
  const wide = other ? other.values.length + 1 : 1;
  const counts = new Map();
  for (const row of rows) {
    const set = one.sets[one.codes[row]];
    const second = other ? other.sets[other.codes[row]] : [];
    for (const a of set.length ? set : [-1]) {
      for (const b of second.length ? second : [-1]) counts.set((a + 1) * wide + (other ? b + 1 : 0), (counts.get((a + 1) * wide + (other ? b + 1 : 0)) || 0) + 1);
    }
  }
  return [...counts].map(([key, count]) => ({ places: [Math.floor(key / wide) - 1, (key % wide) - 1].slice(0, columns.length), count }));
}

// The tables of a block: name → its columns by their names; and what else the block says.
async function unpackColumns(block) {
  const buffer = await bytesOf(block);
  const length = new DataView(buffer).getUint32(0, true);
  const { columns, ...told } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const tables = new Map();
  let at = 4 + length;
  for (const column of columns) {
    const { table, name, rows, bytes } = column;
    const Codes = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[bytes];
    if (!tables.has(table)) tables.set(table, new Map());
    tables.get(table).set(name, new Column(column, new Codes(buffer.slice(at, (at += rows * bytes)))));
  }
  return { told, tables };
}
