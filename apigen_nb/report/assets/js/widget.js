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
    const [first] = parts();
    let written = "";
    const put = (page, fragment) => {
      written = `${page}#${fragment}`;
      model.set("address", written);
      model.save_changes();
    };
    site.read = (page) => (parts()[0] === page ? parts()[1] : "");
    site.write = (page, fragment) => page === site.page && page === parts()[0] && put(page, fragment);
    site.go = (page, fragment) => (put(page, fragment), open());
    site.ask = (number, key, text = "") => ask({ page: site.page, number: Number(number), key, text });

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
    const onAddress = () => model.get("address") !== written && open();
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
    open();
    return () => {
      model.off("change:address", onAddress);
      stop();
      end();
    };
  },
};
