// Starts a document: a page of its own, or in one file for all pages the one of the address "#/page.html/fragment".
"use strict";

const templates = [...document.querySelectorAll("template[data-page]")];
const isPlace = () => location.hash !== "" && document.getElementById(location.hash.slice(1)); // a heading, the content
const site = { root: document.body, content: document.getElementById("content"), plotly: () => globalThis.Plotly };
watch(site);

function put(hash, push) {
  if (hash !== location.hash) history[push ? "pushState" : "replaceState"](null, "", hash);
}

function startOne() {
  site.read = () => location.hash.slice(1);
  site.write = (page, fragment, push) => put(`#${fragment}`, push);
  site.href = (page, fragment) => `#${fragment}`;
  site.go = (page, fragment) => (location.href = `${page}#${fragment}`);
  addEventListener("hashchange", () => isPlace() || start(site));
  // A link to where one is already changes no address, but leads to its message again.
  document.addEventListener("click", ({ target }) => {
    const link = target.closest("a[href*='#']");
    if (link?.href === location.href && !isPlace()) start(site);
  });
  start(site);
}

function startAll() {
  const named = new Map(templates.map((one) => [one.dataset.page, one]));
  const parts = () => /^#\/([\w.-]+)\/?(.*)$/s.exec(location.hash) || ["", "", ""];
  // What is slow on one page must neither read nor write the address of the page that was opened meanwhile.
  site.read = (page) => (parts()[1] === page ? parts()[2] : "");
  site.href = (page, fragment) => `#/${page}/${fragment}`;
  site.write = (page, fragment, push) => {
    if (page === site.page && ["", page].includes(parts()[1])) put(site.href(page, fragment), push);
  };
  site.go = (page, fragment) => {
    const before = location.hash;
    location.hash = `/${page}/${fragment}`;
    if (location.hash === before) open(); // a link to where one is already
  };
  const turnTo = turning(site, (page) => [...named.get(page).content.childNodes]);
  const open = async () => {
    if (isPlace()) return;
    const page = named.has(parts()[1]) ? parts()[1] : templates[0].dataset.page;
    const other = page !== site.page;
    await turnTo(page);
    site.content.className = `content ${named.get(page).dataset.kind}`;
    if (other) scrollTo(0, 0);
  };
  document.addEventListener("click", (event) => {
    const [page, fragment = ""] = linked(event.target.closest("a[href]")) || [];
    if (!named.has(page) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    site.go(page, fragment);
  });
  addEventListener("hashchange", open);
  open();
}

if (templates.length) startAll();
else startOne();
