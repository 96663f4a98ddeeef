// A table of many rows: searched, sorted by a click on a head, paged.
"use strict";

const ROWS_A_PAGE = 25;

async function startTable(root) {
  const { columns, rows, links } = await unpack(blocks(root, "rows")[0]);
  const one = (selector) => root.querySelector(selector);
  const numbers = columns.map((_, c) => rows.every((row) => typeof row[c] === "number"));
  const texts = rows.map((row) => row.join(" ").toLowerCase());
  let found = rows.map((_, place) => place);
  let sorted = -1;
  let falling = false;
  let page = 0;

  const heads = columns.map((name, c) => {
    const button = element("button", { type: "button", textContent: name });
    button.addEventListener("click", () => {
      falling = sorted === c ? !falling : numbers[c];
      sorted = c;
      page = 0;
      show();
    });
    return element("th", { className: numbers[c] ? "number" : "" }, button);
  });
  one("thead tr").replaceChildren(...heads);

  function cell(row, c) {
    const text = numbers[c] ? row[c].toLocaleString("en") : row[c];
    const inner = links[c] && text ? element("a", { href: `${links[c]}.html#${encodeURIComponent(text)}`, textContent: text }) : text;
    const made = element("td", { className: numbers[c] ? "number" : text.length > 40 ? "break long" : "break" }, inner);
    made.dataset.name = columns[c];
    return made;
  }

  function show() {
    const order = [...found];
    const compare = (a, b) => (numbers[sorted] ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
    if (sorted >= 0) order.sort((a, b) => (falling ? -1 : 1) * compare(rows[a][sorted], rows[b][sorted]));
    heads.forEach((head, c) => head.setAttribute("aria-sort", c !== sorted ? "none" : falling ? "descending" : "ascending"));
    const first = page * ROWS_A_PAGE;
    const shown = order.slice(first, first + ROWS_A_PAGE);
    one("tbody").replaceChildren(...shown.map((place) => element("tr", {}, ...columns.map((_, c) => cell(rows[place], c)))));
    one(".position").textContent = shown.length ? `${first + 1}–${first + shown.length} of ${order.length.toLocaleString("en")}` : "no row fits";
    one(".before").disabled = page === 0;
    one(".after").disabled = first + ROWS_A_PAGE >= order.length;
  }

  one("input").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    found = texts.flatMap((text, place) => (wanted.every((word) => text.includes(word)) ? [place] : []));
    page = 0;
    show();
  });
  one(".before").addEventListener("click", () => (page--, show()));
  one(".after").addEventListener("click", () => (page++, show()));
  show();
}
