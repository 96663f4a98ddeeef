// JSON values, lists and texts side by side, as `world/aligned_lists.py`, `report/alignment.py` and `report/text_diff.py`
// put them, which a test holds: here is what a page without Python needs for any two of its items. `undefined` is what
// is not there, which is not the same as null.
"use strict";

const MOST_WORDS = 2500; // of one text: matching takes quadratic time at worst
const ISLAND = 2; // words that are the same on both sides, but too few to be a point of rest for the eye

// JSON text that is equal exactly when the values are.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? "";
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)}}`;
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const same = (one, other) => one === other || (one !== undefined && other !== undefined && canonical(one) === canonical(other));

// Runs of what is equal in two sequences of texts, as [start in one, start in the other, length]: the longest first, then
// left and right of it, as Python's difflib finds them.
function matching(one, other) {
  const places = new Map();
  other.forEach((key, at) => (places.has(key) ? places.get(key).push(at) : places.set(key, [at])));
  const longest = (low, high, from, to) => {
    let best = [low, from, 0];
    let [runs, next] = [new Int32Array(to - from + 1), new Int32Array(to - from + 1)]; // one place on: what ends there
    for (let i = low; i < high; i += 1) {
      next.fill(0);
      for (const j of places.get(one[i]) ?? []) {
        if (j < from || j >= to) continue;
        const size = runs[j - from] + 1;
        next[j - from + 1] = size;
        if (size > best[2]) best = [i - size + 1, j - size + 1, size];
      }
      [runs, next] = [next, runs];
    }
    return best;
  };
  const found = [];
  const open = [[0, one.length, 0, other.length]];
  while (open.length) {
    const [low, high, from, to] = open.pop();
    const [i, j, size] = longest(low, high, from, to);
    if (!size) continue;
    found.push([i, j, size]);
    open.push([low, i, from, j], [i + size, high, j + size, to]);
  }
  found.sort((a, b) => a[0] - b[0]);
  return found.reduce((runs, [i, j, size]) => {
    const last = runs.at(-1);
    if (last && last[0] + last[2] === i && last[1] + last[2] === j) last[2] += size;
    else runs.push([i, j, size]);
    return runs;
  }, []);
}

// Two texts word by word: of each its parts in order, as [text, whether only it says so].
function words(one, other) {
  if (one > other) return words(other, one).reverse(); // so that it is the same from both sides
  const [old, now] = [one, other].map((text) => (text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? []).slice(0, MOST_WORDS));
  const sides = [[], []];
  let [i, j] = [0, 0];
  let changed = ["", ""];
  const put = () => (changed.forEach((text, side) => text && sides[side].push([text, true])), (changed = ["", ""]));
  for (const [k, m, size] of [...matching(old, now), [old.length, now.length, 0]]) {
    changed = [changed[0] + old.slice(i, k).join(""), changed[1] + now.slice(j, m).join("")];
    const text = old.slice(k, k + size).join("");
    [i, j] = [k + size, m + size];
    const last = i === old.length && j === now.length;
    const isIsland = !text.includes("\n") && text.split(/\s+/).filter(Boolean).length <= ISLAND && text.length < Math.max(...changed.map((part) => part.length));
    if (changed.some(Boolean) && size && !last && isIsland) changed = changed.map((part) => part + text);
    else if (size) put(), sides.forEach((side) => side.push([text, false]));
  }
  put();
  return sides;
}

// The field by which objects are told apart in each of the lists, or "".
function idField(lists) {
  const items = lists.flat();
  if (!items.length || !items.every(isObject)) return "";
  const isUnique = (list, key) => new Set(list.map((item) => item[key])).size === list.length;
  const keys = Object.keys(items[0]).filter((key) => key === "id" || key.endsWith("_id"));
  return keys.find((key) => items.every((item) => typeof item[key] === "string") && lists.every((list) => isUnique(list, key))) ?? "";
}

// Place in the new list → in the old one, of what stands in both in one order.
function inOrder(old, now) {
  const found = new Map();
  const least = Math.min(old.length, now.length);
  let [start, end] = [0, 0];
  while (start < least && old[start] === now[start]) found.set(start, start++);
  while (end < least - start && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  for (let n = 1; n <= end; n += 1) found.set(now.length - n, old.length - n);
  for (const [i, j, size] of matching(old.slice(start, old.length - end), now.slice(start, now.length - end))) {
    for (let n = 0; n < size; n += 1) found.set(start + j + n, start + i + n);
  }
  return found;
}

// Place in another list → slot, of what stands in both, in another order.
function elsewhere(slots, keys, found) {
  const taken = new Set(found.values());
  const moved = new Map();
  keys.forEach((key, place) => {
    if (found.has(place)) return;
    const at = slots.findIndex((slot, n) => !taken.has(n) && slot.keys.includes(key));
    if (at < 0) return;
    moved.set(place, at);
    taken.add(at);
  });
  return moved;
}

// The slots with those of another list of some size among them, and the slots of that list in its order.
function merged(slots, size, found, moved, changes) {
  const [whole, own] = [[], []];
  const taken = new Set([...found.values(), ...moved.values()]);
  const limits = Array(size + 1).fill(slots.length);
  for (let place = size - 1; place >= 0; place -= 1) limits[place] = found.get(place) ?? limits[place + 1];
  let next = 0;
  for (let place = 0; place < size; place += 1) {
    let at = found.get(place) ?? moved.get(place);
    if (at === undefined && changes && next < slots.length && !taken.has(next)) at = next;
    if (at === undefined) whole.push({ sides: new Map(), places: [], keys: [] });
    else if (found.has(place) || (next <= at && at < limits[place])) {
      whole.push(...slots.slice(next, at + 1));
      next = at + 1;
    }
    own.push(at === undefined ? whole.at(-1) : slots[at]);
  }
  return [[...whole, ...slots.slice(next)], own];
}

// The items of lists side by side, as [name, list's number → item], and what order each has where they have not one.
function alignItems(lists) {
  const by = idField(lists);
  const own = [];
  let slots = [];
  lists.forEach((items, side) => {
    const keys = items.map((item) => (by ? item[by] : canonical(item)));
    const found = inOrder(slots.map((slot) => slot.keys.at(-1)), keys);
    const [whole, mine] = merged(slots, keys.length, found, elsewhere(slots, keys, found), !by);
    slots = whole;
    mine.forEach((slot, place) => (slot.sides.set(side, items[place]), slot.places.push(place), slot.keys.push(keys[place])));
    own.push(mine);
  });
  const inOne = own.every((mine, side) => {
    const held = slots.filter((slot) => slot.sides.has(side));
    return held.length === mine.length && held.every((slot, n) => slot === mine[n]);
  });
  const orders = lists.map((items) => items.map((item) => (by ? item[by] : item)));
  return [slots.map((slot) => [by ? slot.keys.at(-1) : String(slot.places[0]), slot.sides]), inOne ? null : orders];
}

function byKey(objects) {
  const keys = new Set(objects.flatMap(Object.keys));
  const has = (one, key) => Object.prototype.hasOwnProperty.call(one, key);
  return [...keys].map((key) => [key, new Map(objects.flatMap((one, n) => (has(one, key) ? [[n, one[key]]] : [])))]);
}

// The paths at which values are not all equal, as deep as they can be compared, as [path, values].
function differing(path, sides) {
  if (sides.every((side) => same(side, sides[0]))) return [];
  const present = sides.filter((side) => side !== undefined);
  const [areLists, areObjects] = [present.every(Array.isArray), present.every(isObject)];
  // Of what came or went as a whole the parts say less than the whole; a row is always taken apart.
  const isWhole = path && present.length < sides.length && present.every((side) => same(side, present[0]));
  if (isWhole || !(areLists || areObjects)) return [[path, sides]];
  const there = sides.flatMap((side, n) => (side === undefined ? [] : [n]));
  const spread = (part) => sides.map((_, n) => (part.has(there.indexOf(n)) ? part.get(there.indexOf(n)) : undefined));
  const [parts, order] = areLists ? alignItems(present) : [byKey(present), null];
  const found = parts.flatMap(([name, part]) => differing(path ? `${path}.${name}` : name, spread(part)));
  return order ? [...found, [`${path} (order)`, spread(new Map(order.entries()))]] : found;
}
