// The diff of any two trajectories, each as `comparable.py` writes it: turns aligned, end states row by row, checks.
// Plain values; `diff_view.js` draws them.
"use strict";

const ALIKE = 0.25; // of their words two messages share at least, to be the same one said otherwise

// The best pairs of two sequences, in order, and what is left: [place in one, place in the other], null where there is
// none. `score` says how well two belong together, 0 that they do not.
function aligned(one, other, score) {
  const width = other.length + 1;
  const best = new Float64Array((one.length + 1) * width);
  const scores = new Float64Array((one.length + 1) * width);
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = other.length - 1; j >= 0; j -= 1) {
      const here = i * width + j;
      scores[here] = score(one[i], other[j]);
      const both = scores[here] > 0 ? scores[here] + best[here + width + 1] : 0;
      best[here] = Math.max(both, best[here + width], best[here + 1]);
    }
  }
  const pairs = [];
  let [i, j] = [0, 0];
  while (i < one.length && j < other.length) {
    const here = i * width + j;
    if (scores[here] > 0 && best[here] === scores[here] + best[here + width + 1]) pairs.push([i++, j++]);
    else if (best[here] === best[here + width]) pairs.push([i++, null]);
    else pairs.push([null, j++]);
  }
  while (i < one.length) pairs.push([i++, null]);
  while (j < other.length) pairs.push([null, j++]);
  return pairs;
}

// The words of a text and how often each stands in it.
function bagOf(text) {
  const bag = new Map();
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? []) bag.set(word, (bag.get(word) ?? 0) + 1);
  return { bag, size: [...bag.values()].reduce((sum, count) => sum + count, 0) };
}

// What share of their words two texts have in common, from 0 to 1.
function alike(one, other) {
  let common = 0;
  const [few, many] = one.bag.size <= other.bag.size ? [one, other] : [other, one];
  for (const [word, count] of few.bag) common += Math.min(count, many.bag.get(word) ?? 0);
  return one.size + other.size ? (2 * common) / (one.size + other.size) : 0;
}

const argumentsOf = (call) => call.arguments ?? { "(not JSON)": call.raw };

// The arguments of two calls by their names, as [name, of one, of the other].
function argumentPairs(one, other) {
  const [left, right] = [one, other].map((call) => new Map(call ? Object.entries(argumentsOf(call)) : []));
  return [...new Set([...left.keys(), ...right.keys()])].map((name) => [name, left.get(name), right.get(name)]);
}

// What a turn is compared by, beside its words.
function keyed(turn) {
  const isCall = turn.who === "call";
  const key = isCall ? canonical([turn.name, turn.arguments, turn.raw]) : canonical([turn.text, turn.stop, turn.refused]);
  return { turn, key, words: isCall ? null : bagOf(turn.text), wider: canonical([turn.who, key, turn.result, turn.refused]) };
}

// How well two turns belong together.
function belong(one, other) {
  if (one.turn.who !== other.turn.who) return 0;
  if (one.turn.who !== "call") {
    const share = one.key === other.key ? 1.5 : alike(one.words, other.words);
    return share < ALIKE ? 0 : 2 * share;
  }
  if (one.turn.name !== other.turn.name) return 0;
  if (one.key === other.key) return one.wider === other.wider ? 4.5 : 4;
  const pairs = argumentPairs(one.turn, other.turn);
  return 1 + (2 * pairs.filter(([, left, right]) => same(left, right)).length) / Math.max(1, pairs.length);
}

// Of what has no partner: calls that are made on the other side too, at another place.
function movedCalls(pairs, one, other) {
  const moved = new Map(); // row → row
  const free = new Map();
  pairs.forEach(([i, j], row) => {
    if (i === null && other[j].turn.who === "call") free.set(other[j].key, [...(free.get(other[j].key) ?? []), row]);
  });
  pairs.forEach(([i, j], row) => {
    const partner = j === null && one[i].turn.who === "call" ? free.get(one[i].key)?.shift() : undefined;
    if (partner !== undefined) moved.set(row, partner).set(partner, row);
  });
  return moved;
}

// What stands between the same neighbours and is of one kind stands in one row: the one instead of the other.
function closed(pairs, moved, one, other) {
  const rows = [];
  const gap = [[], []];
  const close = () => {
    const who = (left, right) => Number(one[left].turn.who === other[right].turn.who);
    for (const [i, j] of aligned(gap[0], gap[1], who)) rows.push([i === null ? null : gap[0][i], j === null ? null : gap[1][j]]);
    gap.forEach((side) => (side.length = 0));
  };
  pairs.forEach(([i, j], row) => {
    if (!moved.has(row) && i === null) gap[1].push(j);
    else if (!moved.has(row) && j === null) gap[0].push(i);
    else close(), rows.push([i, j]);
  });
  close();
  return rows;
}

// What a row is: the same, the same but judged otherwise, said or called otherwise, on one side only.
function statusOf(one, other) {
  if (!one || !other) return "only";
  if (one.wider === other.wider) return same(one.turn.findings, other.turn.findings) ? "same" : "judged";
  if (one.turn.who !== "call") return "words";
  if (one.turn.name !== other.turn.name) return "instead";
  return one.key === other.key ? "result" : "arguments";
}

// The rows of both conversations, each turn of either in one of them: {one, other, status}, and `moved` of a call that
// stands elsewhere on the other side, which is the turn there.
function turnRows(one, other) {
  const [left, right] = [one, other].map((turns) => turns.map(keyed));
  const pairs = aligned(left, right, belong);
  const moved = movedCalls(pairs, left, right);
  const there = (side, turns) => new Map([...moved].flatMap(([row, partner]) => (pairs[row][side] === null ? [] : [[pairs[row][side], turns[pairs[partner][1 - side]].turn]])));
  const [fromOne, fromOther] = [there(0, right), there(1, left)];
  return closed(pairs, moved, left, right).map(([i, j]) => {
    const elsewhere = j === null ? fromOne.get(i) : i === null ? fromOther.get(j) : undefined;
    const status = elsewhere ? "moved" : statusOf(left[i], right[j]);
    return { one: one[i] ?? null, other: other[j] ?? null, status, ...(elsewhere && { moved: elsewhere }) };
  });
}

// The first row of each kind, -1 where there is none: of any difference, of calls, of calls that write.
function partings(rows) {
  const turns = (row) => [row.one, row.other].filter(Boolean);
  const first = (is) => rows.findIndex((row) => !["same", "judged"].includes(row.status) && is(row));
  const calls = (row) => turns(row).some((turn) => turn.who === "call");
  const writes = (row) => row.status !== "moved" && turns(row).some((turn) => turn.writes);
  return { any: first(() => true), call: first(calls), write: first(writes) };
}

// Every field that one of both has changed, or that was to change: {row, path, before, expected, one, other, same},
// rows that differ first. `expected` is what groundtruth says, where both are of one task.
function stateFields(one, other, expected) {
  const tables = [expected ?? [], one, other].map((changes) => new Map(changes.map((change) => [change.row, change])));
  const rows = [...new Set(tables.flatMap((table) => [...table.keys()]))];
  const fields = rows.flatMap((row) => {
    const before = tables.find((table) => table.has(row)).get(row).before;
    const after = tables.map((table) => (table.has(row) ? table.get(row).after : before));
    const sides = [before, ...(expected ? after : after.slice(1))].map((side) => side ?? undefined);
    return differing("", sides).map(([path, values]) => {
      const [left, right] = values.slice(-2);
      return { row, path, before: values[0], expected: expected ? values[1] : undefined, one: left, other: right, same: same(left, right) };
    });
  });
  const apart = new Set(fields.filter((field) => !field.same).map((field) => field.row));
  return fields.sort((a, b) => apart.has(b.row) - apart.has(a.row) || (a.row < b.row ? -1 : a.row > b.row ? 1 : 0) || a.same - b.same);
}

// Checks by their names: {name, one, other, same}; a side is null where the check is not there.
function checkPairs(one, other) {
  const [left, right] = [one, other].map((side) => new Map(side.checks.map((check) => [check.gate, check])));
  const names = [...new Set([...left.keys(), ...right.keys()])].sort();
  return names.map((name) => {
    const [a, b] = [left.get(name) ?? null, right.get(name) ?? null];
    return { name, one: a, other: b, same: a?.outcome === b?.outcome };
  });
}

// Outputs that had to be told, and the message in which each side tells them.
function outputPairs(one, other) {
  const [left, right] = [one, other].map((side) => new Map(side.outputs));
  return [...new Set([...left.keys(), ...right.keys()])].map((text) => ({ text, one: left.get(text), other: right.get(text) }));
}

const taskOf = (side) => canonical([side.task, side.expected, side.outputs.map(([text]) => text)]);

// All of it. From the other side it is the same, mirrored.
function diffOf(one, other) {
  const [here, there] = [one, other].map(({ turns, state }) => canonical([turns, state]));
  const isMirrored = here > there;
  const [left, right] = isMirrored ? [other, one] : [one, other];
  const turned = ({ one, other, ...rest }) => (isMirrored ? { ...rest, one: other, other: one } : { ...rest, one, other });
  const isOneTask = one.task !== null && taskOf(one) === taskOf(other);
  const rows = turnRows(left.turns, right.turns).map(turned);
  const state = stateFields(left.state, right.state, isOneTask ? left.expected : null).map(turned);
  const outputs = outputPairs(left, right).map(turned);
  return { rows, ...partings(rows), isOneTask, state, checks: checkPairs(one, other), outputs };
}
