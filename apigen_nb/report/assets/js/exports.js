// What is seen as a file: CSV or Parquet, made here and saved by the browser.
"use strict";

// A spreadsheet takes a text that begins so for a formula: an apostrophe before it says that it is none.
const FORMULA = /^[=+\-@\t\r\n]/;

function csvText(columns) {
  const quoted = (text) => (/[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text);
  const cell = (value) => (typeof value === "number" ? String(value) : value === null ? "" : quoted(FORMULA.test(value) ? `'${value}` : value));
  const lines = [columns.map(({ name }) => cell(name)).join(",")];
  for (let row = 0; row < columns[0].data.length; row++) lines.push(columns.map(({ data }) => cell(data[row])).join(","));
  return lines.join("\r\n") + "\r\n";
}

function parquetBytes(columns) {
  const whole = (value) => value === null || (Number.isInteger(value) && Math.abs(value) < 2 ** 31);
  const typed = columns.map(({ name, data, numbers }) => {
    if (numbers) return { name, data, type: data.every(whole) ? "INT32" : "DOUBLE" };
    return { name, data: data.map((text) => text.toWellFormed?.() ?? text), type: "STRING" };
  });
  return hyparquetWriter.parquetWriteBuffer({ columnData: typed });
}

// `columns` are of {name, data, numbers}; all of `data` as long as each other.
function save(columns, name, kind) {
  const data = kind === "csv" ? csvText(columns) : parquetBytes(columns);
  const type = kind === "csv" ? "text/csv;charset=utf-8" : "application/vnd.apache.parquet";
  const href = URL.createObjectURL(new Blob([data], { type }));
  element("a", { href, download: `${name}.${kind}` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
