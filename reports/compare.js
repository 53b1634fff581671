"use strict";
// Sorts the tables, filters them, and lets the chosen runs stand out in every figure.
(() => {
  const rowsOf = (table) => [...table.tBodies[0].rows];
  const all = rowsOf(document.getElementById("table-runs"));
  const rows = [...document.querySelectorAll("tr[data-run]")];
  const filter = document.getElementById("filter"), shown = document.getElementById("shown");

  // A number where the cell has one; cells of another kind (a currency, a class of energy) stay apart in any direction.
  function key(cell) {
    const text = cell.textContent.trim();
    const number = cell.dataset.sort === undefined ? Number.NaN : Number(cell.dataset.sort);
    const isText = cell.dataset.sort === undefined && cell.matches(".text, .wide-text td");
    return { kind: Number(cell.dataset.kind ?? 0), number, text: isText ? text : "", isEmpty: !isText && Number.isNaN(number) };
  }

  const words = new Intl.Collator("en", { numeric: true });
  function compare(a, b, sign) {
    if (a.isEmpty !== b.isEmpty && a.kind === b.kind) return a.isEmpty ? 1 : -1;
    if (a.kind !== b.kind) return a.kind - b.kind;
    if (a.isEmpty) return 0;
    return sign * (Number.isNaN(a.number) ? words.compare(a.text, b.text) : a.number - b.number);
  }

  function sort(table, heading) {
    const column = heading.cellIndex, button = heading.querySelector("button");
    const was = heading.getAttribute("aria-sort");
    const first = button.dataset.better === "higher" ? "descending" : "ascending";
    const direction = was ? (was === "ascending" ? "descending" : "ascending") : first;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const keyed = rowsOf(table).map((row) => ({ row, key: key(row.cells[column]) }));
    keyed.sort((a, b) => compare(a.key, b.key, sign));
    table.tBodies[0].append(...keyed.map(({ row }) => row));
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    table.tHead.addEventListener("click", (event) => {
      const heading = event.target.closest("button") && event.target.closest("th");
      if (heading) sort(table, heading);
    });
  }

  const run = (row) => Number(row.dataset.run);
  const texts = new Map(all.map((row) => [row, row.textContent.toLowerCase()]));
  function update() {
    const wanted = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = all.filter((row) => {
      const text = texts.get(row);
      return wanted.every((word) => (/^r\d+$/.test(word) ? `r${run(row) + 1}` === word : text.includes(word)));
    });
    const kept = new Set(matches.map(run));
    for (const row of rows) row.hidden = !kept.has(run(row));
    const pressed = all.filter((row) => row.querySelector(".pick").ariaPressed === "true").map(run);
    const picked = pressed.length ? new Set(pressed) : kept.size < all.length ? kept : null;
    shown.textContent = wanted.length ? `${kept.size} of ${all.length} runs` : "";
    dispatchEvent(new CustomEvent("aforo:pick", { detail: picked }));
  }

  let pending = 0;
  filter.addEventListener("input", () => {
    clearTimeout(pending);
    pending = setTimeout(update, 150);
  });
  for (const row of all) {
    const button = row.querySelector(".pick");
    button.addEventListener("click", () => {
      button.ariaPressed = String(button.ariaPressed !== "true");
      update();
    });
  }
})();
