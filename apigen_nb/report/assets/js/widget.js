// The pages in a notebook or an app: each comes over the widget's channel when it is first looked at.
const LIBRARY = Symbol.for("apigen_nb.plotly");

// plotly.js comes once per document, from one model that all widgets share: 4.9 MB for each would be slow.
function plotly(model) {
  globalThis[LIBRARY] ??= (async () => {
    const shared = await model.widget_manager.get_model(model.get("library").slice("IPY_MODEL_".length));
    // An AMD loader on the page would swallow it.
    const source = `const module = {exports: {}}; (function (define) {${shared.get("source")}\n})();
      export default module.exports;`;
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    try { return (await import(/* webpackIgnore: true */ url)).default; } finally { URL.revokeObjectURL(url); }
  })();
  return globalThis[LIBRARY];
}

// Questions to Python, each answered by a message to its sender.
function asking(model) {
  const open = new Map();
  const hear = ({ to, answer, error }) => {
    const [done, fail] = open.get(to) || [];
    open.delete(to);
    if (error) fail?.(new Error(error));
    else done?.(answer);
  };
  model.on("msg:custom", hear);
  const ask = (question) => new Promise((done, fail) => {
    const from = crypto.getRandomValues(new Uint32Array(4)).join();
    open.set(from, [done, fail]);
    model.send({ from, ...question });
  });
  return [ask, () => model.off("msg:custom", hear)];
}

// The one widget that a document is about (the app) has its address: "#/page.html/fragment".
const PLACE = Symbol.for("apigen_nb.place");

function ownPlace(el) {
  if (document.body.dataset.apigenApp === undefined || globalThis[PLACE]?.isConnected) return null;
  globalThis[PLACE] = el;
  return {
    read: () => /^#\/([\w.-]+\.html)\/?(.*)$/s.exec(location.hash)?.slice(1),
    write: (page, fragment, push) => {
      const hash = `#/${page}/${fragment}`;
      if (hash !== location.hash) history[push ? "pushState" : "replaceState"](null, "", hash);
    },
  };
}

// Where there is no address of its own, a line to copy it from and to type one into: those of report and app, too.
function addressLine(go) {
  const input = element("input", { type: "text", spellcheck: false, ariaLabel: "address of what is shown: copy it, or enter another" });
  const copy = element("button", { type: "button", textContent: "copy" });
  copy.addEventListener("click", async () => {
    input.select();
    try { await navigator.clipboard.writeText(input.value); } catch { document.execCommand("copy"); }
    copy.textContent = "copied";
  });
  input.addEventListener("keydown", (event) => {
    const asked = event.key === "Enter" && /(?:^|[/#])([\w-]+\.html)(?:[#/](.*))?$/s.exec(input.value.trim());
    if (asked) go(asked[1], asked[2] || "");
  });
  const fold = element("details", { className: "address" }, element("summary", { textContent: "Address" }), element("div", {}, input, copy));
  return { fold, show: (text) => ((input.value = text), (copy.textContent = "copy")) };
}

export default {
  render({ model, el }) {
    const root = element("div", { className: "apigen", innerHTML: model.get("bar") });
    const content = element("div", { className: "content", tabIndex: -1 });
    root.append(content);
    el.classList.add("apigen-report");
    el.append(root);
    const [ask, stop] = asking(model);
    const site = { root, content, page: "", plotly: () => plotly(model) };
    const end = watch(site);
    const parts = () => /^([^#]*)#?(.*)$/s.exec(model.get("address")).slice(1);
    const place = ownPlace(el);
    const line = place ? null : addressLine((page, fragment) => site.go(page, fragment));
    if (line) root.querySelector(".top-bar").append(line.fold);
    const [first] = parts();
    let written = "";
    const put = (page, fragment, push) => {
      written = `${page}#${fragment}`;
      line?.show(written);
      place?.write(page, fragment, push);
      if (model.get("address") === written) return;
      model.set("address", written);
      model.save_changes();
    };
    site.read = (page) => (parts()[0] === page ? parts()[1] : "");
    site.write = (page, fragment, push) => page === site.page && page === parts()[0] && put(page, fragment, push);
    site.href = (page, fragment) => (place ? `#/${page}/${fragment}` : `#${fragment}`);
    site.go = (page, fragment) => (put(page, fragment, true), open());
    site.ask = (number, key, text = "", start = 0) => ask({ page: site.page, number: Number(number), key, text, start });

    const told = (error) => element("p", { className: "panel", textContent: `This page cannot be shown: ${error.message}` });
    const turnTo = turning(site, async (page) => {
      const shown = element("div");
      try { shown.innerHTML = await ask({ page }); } catch (error) { shown.append(told(error)); }
      return [...shown.childNodes];
    });
    const nav = root.querySelector(".top-bar nav");
    const open = async () => {
      const [page] = parts();
      const other = page !== site.page;
      nav.hidden = !model.get("menu") && page === first;
      await turnTo(page);
      if (other && root.getBoundingClientRect().top < 0) root.scrollIntoView();
    };
    const onAddress = () => {
      if (model.get("address") === written) return;
      put(...parts(), parts()[0] !== site.page); // Python has written it
      open();
    };
    const onHash = () => {
      const asked = place.read();
      if (!asked) return;
      if (asked.join("#") !== model.get("address")) site.go(...asked);
    };
    const follow = (event) => {
      const link = event.target.closest("a[href]");
      if (!link) return;
      event.preventDefault(); // no link leads out of a notebook
      const [page, fragment = ""] = linked(link) || [];
      if (page) site.go(page, fragment);
    };
    root.addEventListener("click", follow);
    root.addEventListener("auxclick", follow);
    model.on("change:address", onAddress);
    if (place) addEventListener("hashchange", onHash);
    put(...(place?.read() || parts()), false);
    open();
    return () => {
      removeEventListener("hashchange", onHash);
      model.off("change:address", onAddress);
      stop();
      end();
    };
  },
};
