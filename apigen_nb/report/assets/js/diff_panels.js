// What stands above the turns of a diff: the answer in three lines, end states, checks, what was asked for.
"use strict";

const SHORT = 3; // differences that the answer names

const line = (name, ...children) => [element("dt", {}, name), element("dd", {}, ...children)];
const joined = (parts, by) => parts.flatMap((part, n) => (n ? [by, part] : [part]).flat());

// A path that may be broken where its parts meet, rather than inside a word.
const breakable = (text) => text.split(/(?<=[._/])/).flatMap((part, n) => (n ? [element("wbr"), part] : [part]));

function callLine(turn) {
  const values = Object.entries(argumentsOf(turn)).map(([name, value]) => `${name}: ${told(value)}`);
  return element("code", {}, brief(`${turn.name}(${values.join(", ")})`, 160));
}

// What the two do otherwise in a row, in a line.
function rowLine(row) {
  const [left, right] = [row.one, row.other];
  const turn = left ?? right;
  const only = SIDES[left ? 0 : 1];
  if (row.status === "only" && turn.who !== "call") return [`only ${only} has this message of the ${turn.who}`];
  if (row.status === "only") return [`only ${only} calls `, callLine(turn)];
  if (row.status === "moved") return ["both call ", callLine(turn), ", in another order"];
  if (row.status === "instead") return [sideOf(0), " calls ", callLine(left), ", ", sideOf(1), " calls ", callLine(right)];
  if (row.status === "words") return [`the ${turn.who} says it otherwise`];
  const name = element("code", {}, turn.name);
  if (row.status === "result") {
    const came = [left, right].map((side, n) => [sideOf(n), ` ${side.refused ? "is refused: " : "gets "}${brief(side.result.replace(/\s+/g, " "), 60)}`]);
    return ["both call ", name, " alike: ", ...joined(came, ", ")];
  }
  const apart = argumentPairs(left, right).filter(([, one, other]) => !same(one, other));
  const said = apart.slice(0, SHORT).map(([key, ...values]) => {
    const parts = valueParts(...values);
    return [quietly(`${key} `), ...joined(parts.map((part, n) => [sideOf(n), " ", element("code", {}, ...marked(briefly(part)))]), " · ")];
  });
  return [name, " with ", ...joined(said, "; "), ...(apart.length > SHORT ? [` and ${apart.length - SHORT} more`] : [])];
}

const briefly = (parts) => (parts.length > 40 ? parts.slice(0, 40).concat([["…", false]]) : parts).map(([text, differs]) => [brief(text, 120), differs]);

// The answer: what came of each, where they part, what that did to the end state.
function answerList(diff, sides, leap) {
  const outcomes = sides.map((side, n) => [sideOf(n), " ", tagged(...CAME_OUT[side.outcome]), ...(side.cause ? [quietly(` caused by the ${side.cause}`)] : [])]);
  const parting = partingOf(diff);
  const places = { write: "first write that differs", call: "first call", any: "first words" };
  const at = (row) => ["one", "other"].flatMap((name, n) => (row[name] ? [`${SIDES[n]} ${row[name].n}`] : [])).join(", ");
  const links = Object.entries(places)
    .filter(([name], n, all) => diff[name] >= 0 && !all.slice(0, n).some(([before]) => diff[before] === diff[name]))
    .map(([name, text]) => {
      const button = element("button", { type: "button", className: "leap" }, `${text}: message ${at(diff.rows[diff[name]])}`);
      button.addEventListener("click", () => leap(diff[name]));
      return button;
    });
  const parts = parting < 0 ? ["nowhere: both say and do the same"] : [...rowLine(diff.rows[parting]), element("div", {}, ...links)];
  const tasks = sides.map((side, n) => [sideOf(n), ` ${side.blueprint}`]);
  const task = diff.isOneTask ? [] : line("Tasks", "not the same: ", ...joined(tasks, " · "));
  return element("dl", { className: "answer panel" }, ...task, ...line("Outcome", ...joined(outcomes, " · ")), ...line("They part", ...parts), ...line("End state", ...stateLine(diff)));
}

function stateLine(diff) {
  const apart = diff.state.filter((field) => !field.same);
  if (!diff.state.length) return ["neither changed a row"];
  if (!apart.length) return [`the same: ${diff.state.length} field${diff.state.length > 1 ? "s" : ""} changed in both`];
  const said = apart.slice(0, SHORT).map((field) => {
    const values = [field.one, field.other].map((value, n) => [sideOf(n), " ", element("code", {}, brief(told(value), 60)), expectedMark(diff, field, value)]);
    return element("div", {}, span("quiet", ...breakable(`${field.row} ${field.path || "(whole row)"} `)), ...joined(values, " · "));
  });
  const more = apart.length > SHORT ? [`and ${apart.length - SHORT} more`] : [];
  return [element("b", {}, `${apart.length} of ${diff.state.length} fields differ`), ...said, ...more];
}

// Whether a value is the one that groundtruth leads to, where that is known.
function expectedMark(diff, field, value) {
  if (!diff.isOneTask) return "";
  const isRight = same(value, field.expected);
  return element("b", { className: isRight ? "held" : "fell", title: isRight ? "as expected" : "not as expected" }, isRight ? " ✓" : " ✗", span("unseen", isRight ? " as expected" : " not as expected"));
}

function fieldRow(diff, field) {
  const value = (text, className, ...more) => element("td", { className: `break ${className}` }, element("code", {}, ...[text].flat()), ...more);
  const parts = valueParts(field.one, field.other);
  const sides = [field.one, field.other].map((one, n) => {
    const kind = diff.isOneTask ? (same(one, field.expected) ? "held" : "fell") : "";
    return value(marked(parts[n]), kind, expectedMark(diff, field, one));
  });
  if (field.same) sides.splice(1, 1, element("td", { className: "quiet" }, "the same"));
  const expected = diff.isOneTask ? [value(told(field.expected), "")] : [];
  return element("tr", {}, element("td", {}, ...breakable(field.path || "(whole row)")), value(told(field.before), "quiet before"), ...expected, ...sides);
}

function stateTable(diff, fields) {
  const names = ["field", "before", ...(diff.isOneTask ? ["expected"] : []), "A", "B"];
  const heads = names.map((name) => element("th", { className: name === "before" ? "before" : "" }, name));
  const body = element("tbody");
  fields.forEach((field, n) => {
    const head = element("th", { className: "of", colSpan: names.length, scope: "rowgroup" }, element("code", {}, ...breakable(field.row)));
    if (!n || fields[n - 1].row !== field.row) body.append(element("tr", {}, head));
    body.append(fieldRow(diff, field));
  });
  return element("div", { className: "scroll" }, element("table", { className: "fields" }, element("thead", {}, element("tr", {}, ...heads)), body));
}

function folded(text, ...children) {
  return element("details", { className: "fold" }, element("summary", {}, text), ...children);
}

function statePanel(diff) {
  const [apart, common] = [false, true].map((is) => diff.state.filter((field) => field.same === is));
  const wrong = diff.isOneTask ? common.filter((field) => !same(field.one, field.expected)).length : 0;
  const box = panelOf("End states, field by field");
  if (apart.length) box.append(stateTable(diff, apart));
  else box.append(element("p", { className: "quiet" }, stateLine(diff)[0]));
  if (common.length) box.append(folded(`${common.length} the same in both${wrong ? `, ${wrong} of them not as expected` : ""}`, stateTable(diff, common)));
  return box;
}

const panelOf = (title, ...children) => element("section", { className: "panel" }, element("h3", {}, title), ...children);

function checkCell(check) {
  if (!check) return element("td", { className: "quiet" }, "no such check");
  const cell = element("td", {}, tagged(...CHECKED[check.outcome]));
  if (check.outcome === "held" || !(check.kind || check.reason)) return cell;
  if (check.reason.length <= 120) cell.append(element("div", { className: "why-so" }, [check.kind, check.reason].filter(Boolean).join(": ")));
  else cell.append(element("details", { className: "why-so" }, element("summary", {}, check.kind || "why"), element("div", { className: "text" }, check.reason)));
  return cell;
}

// Reward and checks, those that differ first, and which outputs were told.
function checkPanel(diff, sides) {
  const row = (name, ...cells) => element("tr", {}, element("th", { scope: "row" }, name), ...cells);
  const reward = sides.map((side) => element("td", {}, tagged(side.outcome === "verified" ? "1" : side.outcome === "failed" ? "0" : "–", CAME_OUT[side.outcome][1])));
  const [apart, common] = [false, true].map((is) => diff.checks.filter((check) => check.same === is));
  const worth = [...apart, ...common.filter((check) => check.one.outcome !== "held")];
  const told = (n) => element("td", {}, n === undefined ? quietly("not asked for") : n === null ? tagged("not told", "fell") : tagged(`message ${n}`, "held"));
  const outputs = diff.outputs.map((output) => row(`told “${brief(output.text, 40)}”`, told(output.one), told(output.other)));
  const heads = ["", "A", "B"].map((name) => element("th", { scope: "col" }, name || quietly("check")));
  const body = element("tbody", {}, row("reward", ...reward), ...worth.map((check) => row(check.name, checkCell(check.one), checkCell(check.other))), ...outputs);
  const box = panelOf("Reward and checks", element("table", { className: "checks" }, element("thead", {}, element("tr", {}, ...heads)), body));
  const held = common.filter((check) => check.one.outcome === "held").map((check) => check.name);
  if (held.length) box.append(element("p", { className: "quiet" }, `held in both: ${held.join(", ")}`));
  return box;
}

// What the users were told to want: once where it is one task, word by word where it is not.
function taskPanel(diff, sides) {
  const [one, other] = sides.map((side) => side.task);
  const of = (task, parts, actions) => [
    element("p", { className: "text" }, ...(task ? marked(parts) : [quietly("its blueprint is not known here")])),
    ...(task ? [element("h4", {}, "Groundtruth actions"), element("p", { className: "text" }, element("code", {}, ...(task.actions.length ? marked(actions) : ["none"])))] : []),
  ];
  const texts = (task) => [task?.instruction ?? "", task?.actions.join("\n") ?? ""];
  const [wishes, actions] = [0, 1].map((n) => words(texts(one)[n], texts(other)[n]));
  if (diff.isOneTask) return folded("What the user was told to want, the same in both", ...of(one, wishes[0], actions[0]));
  const cells = [one, other].map((task, n) => element("div", {}, sideOf(n), ...of(task, wishes[n], actions[n])));
  return panelOf("What each user was told to want", element("div", { className: "pair" }, ...cells));
}

// What an item's HTML brings along to be compared by; null where it brings nothing.
function comparableOf(html) {
  const block = new DOMParser().parseFromString(html, "text/html").querySelector('script[data-name="comparable"]');
  return block && JSON.parse(block.textContent);
}

// The diff of two trajectories: `open` leads to one of them alone, at `href`, `swap` puts B first.
function drawDiff(one, other, { href, open, swap }) {
  const sides = [one, other];
  const diff = diffOf(one, other);
  const boxes = new Map(); // row → its box
  const leap = (at) => (boxes.get(at).scrollIntoView({ block: "center" }), boxes.get(at).focus({ preventScroll: true }));
  const heads = sides.map((side, n) => {
    const link = element("a", { href: href(side.id), title: "this one alone, with all that was found" }, side.id);
    link.addEventListener("click", (event) => (event.preventDefault(), event.stopPropagation(), open(side.id)));
    const about = `${side.messages} messages · ${side.calls} calls · ended: ${side.ended}`;
    return element("h2", {}, sideOf(n), " ", link, " ", tagged(...CAME_OUT[side.outcome]), " ", span("quiet", about));
  });
  const turned = element("button", { type: "button", className: "leap swap", title: "B first", ariaLabel: "swap A and B" }, "⇄");
  turned.addEventListener("click", swap);
  const list = turnList(diff, sides, boxes);
  const legend = element("p", { className: "quiet legend" }, element("mark", { className: "differs" }, "marked"), `: only this side has it. ${boxes.size} of ${diff.rows.length} rows differ; keys n and p go from one to the next. Equal turns are folded.`);
  const box = element("div", { className: "item diff" }, element("div", { className: "pair heads" }, ...heads, turned), answerList(diff, sides, leap));
  box.append(element("div", { className: "columns" }, statePanel(diff), checkPanel(diff, sides)), panelOf("Turn by turn", legend, list), taskPanel(diff, sides));
  box.step = (by) => {
    const places = [...boxes.keys()];
    const here = places.findIndex((at) => boxes.get(at).contains(document.activeElement));
    const next = here < 0 ? (by > 0 ? 0 : places.length - 1) : here + by;
    if (places[next] !== undefined) leap(places[next]);
  };
  return box;
}
