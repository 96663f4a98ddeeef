// Two trajectories side by side, A and B: what came of each, where they part, what that did to the end state, and all
// turns, equal ones folded away. Texts of models come in as text nodes only.
"use strict";

const SIDES = ["A", "B"];
const CAME_OUT = { verified: ["✓ verified", "held"], failed: ["✗ failed", "fell"], undecided: ["? undecided", "undecided"] };
const CHECKED = { held: ["✓ held", "held"], fell: ["✗ fell", "fell"], undecided: ["? undecided", "undecided"], "not asked": ["not asked", ""] };
const WHAT = { arguments: "other arguments", instead: "another call instead", result: "same call, other result", judged: "the same, judged otherwise" };
const LONG = 40; // characters of a value that is compared word by word

const span = (className, ...children) => element("span", { className }, ...children);
const tagged = (text, kind = "") => span(`tag ${kind}`, text);
const sideOf = (side, n) => element("b", { className: "side" }, SIDES[side], ...(n ? [element("small", {}, ` ${n}`)] : []));
const brief = (text, length = 80) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
const quietly = (text) => span("quiet", text);

// A JSON value as people read it.
function told(value) {
  if (value === undefined) return "not there";
  if (Array.isArray(value) && !value.some((part) => typeof part === "object" && part !== null)) return `[${value.map(told).join(", ")}]`;
  return typeof value === "string" && value ? value : JSON.stringify(value, null, 1).replace(/\n\s*/g, " ");
}

// Two values in parts, of each [text, whether only it has this]: lists item by item, long texts word by word.
function valueParts(one, other) {
  if (same(one, other)) return [[[told(one), false]], [[told(other), false]]];
  if (Array.isArray(one) && Array.isArray(other)) {
    const keys = [one, other].map((list) => list.map(canonical));
    const runs = matching(...keys);
    return [one, other].map((list, side) => {
      const isCommon = (at) => runs.some((run) => run[side] <= at && at < run[side] + run[2]);
      return [["[", false], ...list.flatMap((item, at) => [...(at ? [[", ", false]] : []), [told(item), !isCommon(at)]]), ["]", false]];
    });
  }
  if (typeof one === "string" && typeof other === "string" && Math.max(one.length, other.length) > LONG) return words(one, other);
  return [[[told(one), true]], [[told(other), true]]];
}

const marked = (parts) => parts.map(([text, differs]) => (differs ? element("mark", { className: "differs" }, text) : text));

// A call's name and its arguments, a line each, those that differ marked.
function callParts(call, pairs, side, isOther) {
  const name = isOther ? element("mark", { className: "differs" }, call.name) : call.name;
  const lines = pairs.flatMap(([key, ...values]) => {
    if (values[side] === undefined) return [];
    const parts = isOther || pairs.alone ? [[told(values[side]), false]] : valueParts(...values)[side];
    return [element("div", { className: "argument" }, quietly(`${key} `), element("code", {}, ...marked(parts)))];
  });
  return [element("code", { className: "name" }, name), ...lines];
}

// A call of one side; its result shows when it is opened.
function callBox(row, side) {
  const [turn, beside] = side ? [row.other, row.one] : [row.one, row.other];
  const isOther = row.status === "instead";
  const pairs = Object.assign(argumentPairs(row.one, row.other), { alone: !beside });
  const differs = beside && !isOther && turn.result !== beside.result;
  const short = `→ ${turn.refused ? "refused: " : ""}${brief(turn.result.replace(/\s+/g, " "), 90) || "no result"}`;
  const small = element("small", {}, differs ? element("mark", { className: "differs" }, short) : short);
  const fold = element("details", { className: `call${turn.refused ? " refused" : ""}` });
  fold.append(element("summary", {}, ...callParts(turn, pairs, side, isOther), small));
  const unfold = () => {
    const parts = differs ? words(row.one.result, row.other.result)[side] : [[turn.result, false]];
    fold.append(element("pre", {}, ...marked(parts)));
  };
  fold.addEventListener("toggle", unfold, { once: true });
  return fold;
}

function bubble(turn, parts) {
  const who = span("who", turn.who === "result" ? "a result of no call" : turn.who);
  const text = turn.text ? marked(parts) : [quietly(turn.stop ? "" : "says nothing")];
  const end = turn.stop ? [quietly(" (the user ends the conversation)")] : [];
  return element("div", { className: `bubble ${turn.who === "user" ? "user" : "agent"}` }, who, ...text, ...end);
}

function findingBoxes(turn) {
  const sign = { fell: "✗ breaks a rule: ", undecided: "? open question: " };
  return turn.findings.map((one) =>
    element("div", { className: `finding is-${one.outcome}` }, element("b", {}, sign[one.outcome] + one.rule), element("div", { className: "text" }, one.text)),
  );
}

// In a word how a turn differs from the other side's; where both differ alike, it stands at the first.
function howOf(row, side) {
  if (row.moved) return [element("span", { className: "tag how" }, `the same call is message ${row.moved.n} of ${SIDES[1 - side]}`)];
  const said = row.status === "only" ? `only in ${SIDES[side]}` : side ? "" : WHAT[row.status];
  return said ? [element("span", { className: "tag how" }, said)] : [];
}

// A turn of one side; `sides` are the trajectories, whose ids say whose message it is.
function turnCell(row, side, sides, says) {
  const turn = side ? row.other : row.one;
  if (!turn) return element("div", { className: "nothing" });
  const cell = element("div", { className: `turn of-${SIDES[side]}` }, sideOf(side, turn.n), ...howOf(row, side));
  Object.assign(cell.dataset, { id: sides[side].id, turn: turn.n });
  cell.append(turn.who === "call" ? callBox(row, side) : bubble(turn, says ? says[side] : [[turn.text, false]]), ...findingBoxes(turn));
  return cell;
}

// A row that differs: of both sides beside each other, under a word that says how.
function differentRow(row, sides) {
  const says = row.status === "words" ? words(row.one.text, row.other.text) : null;
  const box = element("div", { className: `pair is-${row.status}`, tabIndex: -1 });
  box.append(turnCell(row, 0, sides, says), turnCell(row, 1, sides, says));
  return box;
}

// A turn that both have, shown once; it is found as a message of either.
function commonTurn(row, sides) {
  const cell = turnCell(row, 0, sides);
  cell.firstChild.replaceWith(span("quiet both", row.one.n === row.other.n ? String(row.one.n) : `A ${row.one.n} · B ${row.other.n}`));
  const box = element("div", { className: "turn common" }, cell);
  Object.assign(box.dataset, { id: sides[1].id, turn: row.other.n });
  return box;
}

function commonRun(rows, sides, isOpen) {
  const names = rows.map((row) => (row.one.who === "call" ? row.one.name : row.one.who));
  const some = names.slice(0, 6).join(", ") + (names.length > 6 ? ", …" : "");
  const count = rows.length > 1 ? `${rows.length} turns are the same` : "the same";
  const fold = element("details", { className: "fold same-run", open: isOpen });
  fold.append(element("summary", {}, `= ${count}: `, span("quiet", some)), ...rows.map((row) => commonTurn(row, sides)));
  return fold;
}

// All turns in order; `boxes` gets the box of each row that differs.
function turnList(diff, sides, boxes) {
  const parting = partingOf(diff);
  const list = element("div", { className: "turns" });
  let run = [];
  const put = () => (run.length && list.append(commonRun(run, sides, run.length === diff.rows.length)), (run = []));
  diff.rows.forEach((row, at) => {
    if (row.status === "same") return run.push(row);
    put();
    if (at === parting) list.append(element("div", { className: "parting" }, "here they part"));
    boxes.set(at, list.appendChild(differentRow(row, sides)));
  });
  put();
  return list;
}

// The row at which two part: at a write, else at a call, else in words.
const partingOf = (diff) => [diff.write, diff.call, diff.any].find((at) => at >= 0) ?? -1;
