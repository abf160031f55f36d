// Curves and bars of what a page says in data-chart, data-x, data-y; the same numbers stand in a table beside them.
'use strict';
(() => {
  const drawn = new WeakSet();
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const draw = (element) => {
    if (drawn.has(element)) return;
    drawn.add(element);
    const y = JSON.parse(element.dataset.y).map(Number);
    const given = JSON.parse(element.dataset.x);
    const named = !element.dataset.time && given.some((value) => typeof value !== 'number');
    const x = named ? given.map((_, place) => place) : given;
    const short = (text) => { const line = String(text); return line.length > 14 ? `${line.slice(0, 13)}…` : line; };
    const axis = { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line') }, font: '12px system-ui' };
    const bars = element.dataset.chart === 'bars';
    const options = {
      width: element.clientWidth || 400, height: element.clientHeight || 190,
      legend: { show: false }, cursor: { points: { show: !bars } },
      scales: { x: { time: Boolean(element.dataset.time), range: (_, low, high) => bars ? [low - (x.length > 1 ? (x[1] - x[0]) / 2 : 1), high + (x.length > 1 ? (x[1] - x[0]) / 2 : 1)] : [low, high] }, y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.08 : 1] } },
      axes: [named ? { ...axis, splits: () => x, values: (_, ticks) => ticks.map((place) => short(given[place] ?? '')), rotate: x.length > 6 ? -40 : 0, size: x.length > 6 ? 90 : 40 } : axis, { ...axis, size: 60 }],
      series: [{}, { points: { show: false }, label: element.dataset.label || '', stroke: colour('--accent'), fill: bars ? colour('--accent') : undefined, width: bars ? 0 : 2, paths: bars ? uPlot.paths.bars({ size: [0.75, 60] }) : undefined }],
    };
    const plot = new uPlot(options, [x, y], element);
    new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: element.clientHeight })).observe(element);
  };
  document.addEventListener('DOMContentLoaded', () => window.reckon.onShown((root) => root.querySelectorAll('[data-chart]').forEach(draw)));
})();
