// Charts of the tables they stand beside: what a chart shows, its table says.
//
// <figure data-chart="lines" data-of="TABLE" data-x="KEY" data-y="KEY KEY">   time series, uPlot
// <figure data-chart="graph" data-of="TABLE" data-y="KEY">                    who owes whom, echarts
// Cells carry `data-v`, headings `data-key`; rows of a graph `data-from`, `data-to`.
"use strict";
(() => {
  const drawn = new Map(); // element -> what ends its chart

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  const rowsOf = (figure) => {
    const table = document.getElementById(figure.dataset.of);
    if (!table) return { keys: [], heads: {}, rows: [] };
    const heads = {};
    const keys = [...table.tHead.rows[0].cells].map((cell) => {
      heads[cell.dataset.key] = cell.textContent.trim();
      return cell.dataset.key;
    });
    const rows = [...table.tBodies[0].rows].filter((row) => row.cells.length === keys.length);
    return { keys, heads, rows };
  };
  const value = (row, keys, key) => {
    const cell = row.cells[keys.indexOf(key)];
    const raw = cell?.dataset.v ?? "";
    return raw === "" ? null : Number(raw);
  };

  const lines = (figure) => {
    const { keys, heads, rows } = rowsOf(figure);
    const wanted = figure.dataset.y.split(" ");
    const points = rows
      .map((row) => [value(row, keys, figure.dataset.x), ...wanted.map((k) => value(row, keys, k))])
      .filter((point) => point[0] !== null)
      .sort((a, b) => a[0] - b[0]);
    if (points.length < 2) return null;
    const place = figure.querySelector(".plot");
    const data = [0, ...wanted.map((_, n) => n + 1)].map((n) => points.map((p) => p[n]));
    const axis = { stroke: colour("--ink-2"), grid: { stroke: colour("--line"), width: 1 } };
    const size = () => ({ width: Math.max(200, place.clientWidth), height: 220 });
    const isDay = figure.dataset.xKind === "day";
    const whole = [1, 2, 5].flatMap((n) => [...Array(16).keys()].map((e) => n * 10 ** e));
    whole.sort((a, b) => a - b);
    const room = (_, values) => 18 + 8 * Math.max(4, ...(values ?? []).map((v) => v.length));
    const plot = new uPlot(
      {
        ...size(),
        scales: { x: { time: figure.dataset.xKind === "time" } },
        axes: [
          isDay
            ? { ...axis, incrs: whole, values: (_, at) => at.map((v) => days(points)[v] ?? "") }
            : { ...axis, incrs: whole },
          { ...axis, incrs: whole, size: room },
        ],
        series: [
          { label: heads[figure.dataset.x] },
          ...wanted.map((key, n) => ({
            label: heads[key],
            stroke: colour(`--series-${n + 1}`),
            width: 2,
            dash: n === 1 ? [6, 4] : undefined,
            points: { show: points.length < 40, size: 5 },
          })),
        ],
      },
      isDay ? [data[0].map((_, n) => n), ...data.slice(1)] : data,
      place,
    );
    const watch = new ResizeObserver(() => plot.setSize(size()));
    watch.observe(place);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  };
  const days = (points) =>
    points.map(([d]) => `${Math.floor(d / 100) % 100}-${String(d % 100).padStart(2, "0")}`);

  const graph = (figure) => {
    const { keys, rows } = rowsOf(figure);
    const edges = rows
      .map((row) => ({ row, v: value(row, keys, figure.dataset.y) }))
      .filter((edge) => edge.v > 0 && edge.row.dataset.from);
    if (edges.length === 0) return null;
    const most = Math.max(...edges.map((edge) => edge.v));
    const names = new Map();
    for (const { row } of edges) {
      names.set(row.dataset.from, row.dataset.fromName ?? row.dataset.from);
      names.set(row.dataset.to, row.dataset.toName ?? row.dataset.to);
    }
    const place = figure.querySelector(".plot");
    const chart = echarts.init(place, null, { renderer: "canvas" });
    const both = new Set(edges.map(({ row }) => `${row.dataset.from} ${row.dataset.to}`));
    chart.setOption({
      animation: !still(),
      series: [
        {
          type: "graph",
          layout: names.size > 40 ? "force" : "circular",
          roam: false,
          left: 70, right: 70, top: 34, bottom: 34,
          label: { show: true, position: "right", color: colour("--ink") },
          symbolSize: 14,
          itemStyle: { color: colour("--series-1") },
          edgeSymbol: ["none", "arrow"],
          edgeSymbolSize: 8,
          data: [...names].map(([id, name]) => ({ id, name })),
          links: edges.map(({ row, v }) => ({
            source: row.dataset.from,
            target: row.dataset.to,
            lineStyle: {
              width: 1 + (6 * v) / most,
              opacity: 0.75,
              color: colour("--series-2"),
              curveness: both.has(`${row.dataset.to} ${row.dataset.from}`) ? 0.2 : 0,
            },
          })),
        },
      ],
    });
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(place);
    return () => {
      watch.disconnect();
      chart.dispose();
    };
  };

  const kinds = { lines, graph };
  const forget = (within) => {
    for (const [figure, end] of drawn) {
      if (!within || within.contains(figure) || !figure.isConnected) {
        end();
        drawn.delete(figure);
      }
    }
  };
  const draw = (within) => {
    forget(null);
    for (const figure of within.querySelectorAll("figure[data-chart]")) {
      const place = figure.querySelector(".plot");
      place.replaceChildren();
      const end = kinds[figure.dataset.chart](figure);
      figure.classList.toggle("empty", end === null);
      if (end) drawn.set(figure, end);
      figure.dataset.drawn = end ? "yes" : "no";
    }
  };
  window.dcnCharts = { draw, forget };
})();
