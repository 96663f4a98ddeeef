// A site is where pages are shown: a document of one page, one of all pages, or a widget. `root` holds it, `content` the
// page that is open, `page` is that page's name; `read`, `write` and `go` are its address, `ask` is how a component gets
// what does not stand in the page. Everything shown was escaped when the page was written.
"use strict";

async function unpack(block) {
  const bytes = Uint8Array.from(atob(block.textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

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
  site.explorers = new Map(); // page → what its explorer does when the address changes, and to step on
  const onKey = (event) => {
    if (!root.contains(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    // Lab's own keys, such as j and k, are heard at its document
    if (site.ask && !(event.shiftKey && event.key === "Enter")) event.stopPropagation();
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const by = { j: 1, k: -1 }[event.key];
    if (by) site.explorers.get(site.page)?.then(({ step }) => step(by));
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
  const started = (kind) => [...site.content.querySelectorAll(`.${kind}:not(.started)`)].map((box) => (box.classList.add("started"), box));
  for (const box of started("views")) startViews(site, box);
  for (const box of started("datatable")) startTable(box);
  const [explorer] = started("explorer");
  if (explorer) site.explorers.set(site.page, startExplorer(site, explorer));
  else site.explorers.get(site.page)?.then(({ follow }) => follow());
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
