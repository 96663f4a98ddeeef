// A site is where pages are shown: a document of one page, one of all pages, or a widget. `root` holds it, `content` the
// page that is open, `page` is that page's name; `read`, `write`, `go` and `href` are its address, `ask` is how a
// component gets what does not stand in the page. Everything shown was escaped when the page was written.
"use strict";

async function bytesOf(block) {
  const bytes = Uint8Array.from(atob(block.textContent), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

const unpack = async (block) => JSON.parse(new TextDecoder().decode(await bytesOf(block)));

// A page's part of an address: the item that is chosen and what is asked for, "retail-00001?outcome=failed&sort=-calls".
function parsed(fragment) {
  const [, item, query] = /^([^?]*)\??(.*)$/s.exec(fragment);
  let id = item;
  try { id = decodeURIComponent(item); } catch { /* a lone "%": taken as it is */ }
  return { item: id, said: new URLSearchParams(query) };
}

const spelled = (item, said) => encodeURIComponent(item) + (said.size ? `?${said}` : "");

const blocks = (root, name) => [...root.querySelectorAll(`script[data-name="${name}"]`)];

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// What scrolls must be reachable by keyboard.
function makeReachable(root) {
  for (const box of root.querySelectorAll(".scroll, pre, .text, .bubble")) {
    const scrolls = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
    if (scrolls) box.tabIndex = 0;
    else if (box.tabIndex === 0) box.removeAttribute("tabindex");
  }
}

// Makes a site work for as long as it is there; gives what ends it.
function watch(site) {
  const { root } = site;
  const stop = new AbortController();
  site.parts = new Map(); // page → its components: what they do when the address changes, and to step on
  // Of what a page asks for, one component changes its own; `push` makes a step that the browser's “back” undoes.
  site.change = (page, edit, push) => {
    const { item, said } = parsed(site.read(page));
    edit(said);
    site.write(page, spelled(item, said), push);
  };
  const onKey = (event) => {
    if (!root.contains(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    // Lab's own keys, such as j and k, are heard at its document
    if (site.ask && !(event.shiftKey && event.key === "Enter")) event.stopPropagation();
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const by = { j: 1, k: -1 }[event.key];
    const leap = { n: 1, p: -1 }[event.key];
    if (leap) site.content.querySelector(".diff")?.step(leap);
    for (const part of by ? site.parts.get(site.page) || [] : []) part.then(({ step }) => step?.(by));
  };
  window.addEventListener("keydown", onKey, { signal: stop.signal, capture: true });
  root.addEventListener("toggle", (event) => makeReachable(event.target), { signal: stop.signal, capture: true });
  const unwatch = watchFigures(site, stop.signal);
  return () => (stop.abort(), unwatch());
}

// In a narrow window the menu is a line to move sideways: the page that is open must be in sight.
function showWhere({ root }) {
  const nav = root.querySelector(".top-bar nav");
  const here = nav?.querySelector("[aria-current]");
  const menu = here?.closest("details");
  if (here && nav.scrollWidth > nav.clientWidth) nav.scrollLeft = (menu ?? here).offsetLeft - nav.offsetLeft - 40;
}

// Starts what is on the page that is open; what was started before hears of the address.
function start(site) {
  const kinds = { views: startViews, datatable: startTable, explorer: startExplorer };
  const before = site.parts.get(site.page) || [];
  const boxes = [...site.content.querySelectorAll(":is(.views, .datatable, .explorer):not(.started)")];
  const started = boxes.map((box) => {
    const kind = Object.keys(kinds).find((name) => box.classList.contains(name));
    box.classList.add("started");
    return kinds[kind](site, box);
  });
  for (const part of before) part.then(({ follow }) => follow());
  site.parts.set(site.page, [...before, ...started]);
  showWhere(site);
  drawFigures(site, site.content);
  redraw(site);
  makeReachable(site.content);
}

// Of several pages one is open; the others stay as they were left. `load` gives the nodes of a page.
function turning(site, load) {
  const pages = new Map();
  let turn = 0;
  return async (page) => {
    const mine = ++turn;
    if (page !== site.page) {
      site.content.setAttribute("aria-busy", "true");
      const nodes = pages.get(page) || (await load(page));
      if (mine !== turn) return;
      if (site.page) pages.set(site.page, [...site.content.childNodes]);
      const first = !site.page;
      site.page = page;
      site.content.replaceChildren(...nodes);
      site.content.removeAttribute("aria-busy");
      for (const link of site.root.querySelectorAll(".top-bar nav a")) {
        if (link.getAttribute("href") === page) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
      if (!first) site.content.focus({ preventScroll: true });
    }
    start(site);
  };
}

// A link to a page of this site, as its name and fragment.
const linked = (link) => /^([\w.-]+\.html)(?:#(.*))?$/s.exec(link?.getAttribute("href"))?.slice(1);
