// Charts to zoom into and to read values from, in place of the drawn ones. Defines dbperfChart(element, title, runs).
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const milliseconds = (value) => (value == null ? "" : value >= 1000 ? value / 1000 + " s" : value + " ms");

// runs: [{run, started_at, p50_ms, p95_ms}], the oldest first. Each run has the same room, whenever it was.
window.dbperfChart = (element, runs) => {
  const label = (index) => (runs[index] ? runs[index].run : "");
  const axis = { stroke: color("--quiet"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false } };
  const line = (name, from) => ({
    label: name,
    stroke: color(from),
    width: 1.5,
    points: { show: true, size: 6, fill: color(from) },
    value: (self, value) => (value == null ? "-" : value.toPrecision(3) + " ms"),
  });
  const chart = new uPlot(
    {
      width: element.clientWidth,
      height: 220,
      cursor: { drag: { x: true, y: false } },
      scales: { x: { time: false }, y: { range: (self, low, high) => [0, high * 1.1 || 1] } },
      axes: [
        {
          ...axis,
          size: 30,
          incrs: [1, 2, 5, 10, 20, 50, 100],
          space: 90,
          values: (self, ticks) => ticks.map((each) => (Number.isInteger(each) ? label(each).slice(0, 14) : "")),
        },
        { ...axis, size: 64, values: (self, ticks) => ticks.map(milliseconds) },
      ],
      series: [
        { label: "run", value: (self, value) => (value == null ? "" : label(value)) },
        line("median", "--accent"),
        line("p95", "--warning"),
      ],
    },
    [runs.map((each, index) => index), runs.map((each) => each.p50_ms), runs.map((each) => each.p95_ms)],
    element,
  );
  new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: 220 })).observe(element);
};
