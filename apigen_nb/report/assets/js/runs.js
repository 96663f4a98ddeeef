// The index of runs: what puts the chosen ones side by side, the first chosen first.
"use strict";

{
  const told = document.querySelector(".chosen");
  const chosen = [];
  const quoted = (path) => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

  function show() {
    told.classList.toggle("some", chosen.length > 0);
    if (chosen.length < 2) {
      told.replaceChildren(element("p", { className: "quiet", textContent: "Choose two or more runs to compare them." }));
      return;
    }
    const command = element("code", { textContent: `apigen-nb report ${chosen.map((box) => quoted(box.value)).join(" ")}` });
    const parts = [element("p", {}, "Side by side: ", command)];
    const there = chosen[0].dataset.comparison;
    if (there) parts.push(element("p", {}, element("a", { href: there, textContent: "the comparison that this run's report has now" })));
    told.replaceChildren(...parts);
  }

  document.querySelector(".runs")?.addEventListener("change", ({ target }) => {
    if (target.checked) chosen.push(target);
    else chosen.splice(chosen.indexOf(target), 1);
    show();
  });
}
