// What a page shares: its data blocks and its address. Everything shown was escaped when the page was written.
"use strict";

// In one file for all pages each page is a <template>; the address is then "#/page.html/fragment".
const templates = [...document.querySelectorAll("template[data-page]")];
const pages = new Map(templates.map((one) => [one.dataset.page, [...one.content.childNodes]]));
let current = templates.length ? templates[0].dataset.page : "";

const address = {
  // What is slow on one page must neither read nor write the address of the page that was opened meanwhile.
  read(page) {
    const text = location.hash.slice(1);
    if (!pages.size) return text;
    const found = /^\/([\w.-]+)\/?(.*)$/s.exec(text);
    return found && found[1] === page ? found[2] : "";
  },
  write(page, fragment) {
    const found = /^#\/([\w.-]+)/.exec(location.hash);
    if (pages.size && (page !== current || (found && found[1] !== page))) return;
    history.replaceState(null, "", "#" + (pages.size ? `/${page}/` : "") + fragment);
  },
  go(page, fragment) {
    if (pages.size) location.hash = `/${page}/${fragment}`;
    else location.href = `${page}#${fragment}`;
  },
};

async function unpack(block) {
  if (block.type === "application/json") return JSON.parse(block.textContent);
  const bytes = Uint8Array.from(atob(block.textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

const named = (root, name) => [...root.querySelectorAll(`script[data-name="${name}"]`)];

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
document.addEventListener("toggle", (event) => makeReachable(event.target), true);
addEventListener("resize", () => makeReachable(document));
