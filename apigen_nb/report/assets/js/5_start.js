// Starts what is on a page; in one file for all pages also leads from page to page.
"use strict";

const followers = new Map(); // page → what its explorer does when the address changes

function start(root) {
  for (const box of root.querySelectorAll(".views:not(.started)")) {
    box.classList.add("started");
    startViews(box);
  }
  for (const box of root.querySelectorAll(".datatable:not(.started)")) {
    box.classList.add("started");
    startTable(box);
  }
  const explorer = root.querySelector(".explorer:not(.started)");
  if (explorer) {
    explorer.classList.add("started");
    followers.set(current, startExplorer(explorer));
  } else if (followers.has(current)) followers.get(current).then((follow) => follow());
  drawFigures(root);
  makeReachable(root);
}

const isPlace = () => location.hash !== "" && document.getElementById(location.hash.slice(1)); // a heading, the content

function open() {
  if (isPlace()) return;
  const found = /^#\/([\w.-]+)/.exec(location.hash);
  const page = found && pages.has(found[1]) ? found[1] : templates[0].dataset.page;
  const main = document.getElementById("content");
  if (page !== current || !main.childElementCount) {
    if (main.childElementCount) pages.set(current, [...main.childNodes]);
    current = page;
    main.replaceChildren(...pages.get(page));
    main.className = templates.find((one) => one.dataset.page === page).dataset.kind;
    for (const link of document.querySelectorAll(".top-bar nav a")) {
      if (link.getAttribute("href") === page) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
  start(main);
}

if (pages.size) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    const found = link && /^([\w.-]+\.html)(?:#(.*))?$/s.exec(link.getAttribute("href"));
    if (!found || !pages.has(found[1]) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    address.go(found[1], found[2] || "");
  });
  addEventListener("hashchange", open);
  open();
} else {
  addEventListener("hashchange", () => isPlace() || start(document));
  start(document);
}
