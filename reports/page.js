"use strict";
// Draws the figures in the page's own colours, and again whenever those change.
(() => {
  const source = document.getElementById("figures").textContent;
  const isDark = matchMedia("(prefers-color-scheme: dark)");
  const isTouch = matchMedia("(pointer: coarse)");
  const config = () => ({
    responsive: true,
    displaylogo: false,
    displayModeBar: isTouch.matches ? false : "hover",
    showTips: false,
    modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
  });

  // The two blues change places on black: there, the ticks of a timeline must be the lighter one.
  const onBlack = { "#0072B2": "#5FB3EC", "#56B4E9": "#235274" };

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function theme() {
    const ink = color("--ink"), muted = color("--muted"), line = color("--line"), surface = color("--surface");
    const axis = {
      color: muted, gridcolor: color("--grid"), linecolor: line, zerolinecolor: line,
      showline: true, ticks: "outside", tickcolor: line, ticklen: 4,
      title: { font: { color: muted, size: 12 } },
    };
    return {
      layout: {
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: ink },
        xaxis: axis, yaxis: axis,
        hoverlabel: { bgcolor: surface, bordercolor: line, font: { color: ink } },
        modebar: { bgcolor: "rgba(0,0,0,0)", color: muted, activecolor: ink },
        annotationdefaults: { font: { color: muted } },
      },
    };
  }

  // Runs that stand out, by number; null: none does. A trace says in `meta` which run each of its points is of.
  let picked = null;
  function faded(trace) {
    const { run, runs } = trace.meta ?? {};
    if (run !== undefined) return { ...trace, opacity: !picked || picked.has(run) ? 1 : 0.12 };
    if (!runs) return trace;
    const selectedpoints = picked ? runs.flatMap((of, at) => (picked.has(of) ? [at] : [])) : null;
    return { ...trace, selectedpoints, unselected: { marker: { opacity: 0.12 } } };
  }

  function draw() {
    const template = theme();
    const swaps = isDark.matches && !document.documentElement.hasAttribute("data-print") ? onBlack : {};
    const figures = JSON.parse(source, (_, value) => swaps[value] ?? value);
    const dragmode = isTouch.matches ? false : "zoom"; // a finger scrolls the page
    for (const plot of document.querySelectorAll("[data-figure]")) {
      const { data, layout } = figures[plot.dataset.figure];
      Plotly.react(plot, data.map(faded), { ...layout, template, dragmode }, config());
    }
  }

  function print(isPrinting) {
    document.documentElement.toggleAttribute("data-print", isPrinting);
    if (isPrinting) for (const folded of document.querySelectorAll("details")) folded.open = true;
    draw();
  }

  for (const chooser of document.querySelectorAll("[data-switch]")) {
    chooser.addEventListener("change", () => {
      document.getElementById(chooser.dataset.switch).dataset.figure = chooser.value;
      draw();
    });
  }
  addEventListener("aforo:pick", (event) => {
    picked = event.detail;
    draw();
  });
  isDark.addEventListener("change", draw);
  isTouch.addEventListener("change", draw);
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  draw();
})();
