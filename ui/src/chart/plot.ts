// The options that turn uPlot into our chart: the site's civil time below, power at the left, state of charge at the right.
import uPlot from 'uplot';
import { number } from '../format/number';
import type { Columns } from './align';
import { tickLabel, ticks } from './ticks';

export type Scale = 'power' | 'soc';

export interface Line {
  key: string;
  label: string;
  scale: Scale;
  /** A CSS colour as #rrggbb. */
  color: string;
  dashed: boolean;
  filled: boolean;
  shown: boolean;
}

export interface Frame {
  width: number;
  height: number;
  zone: string;
  language: string;
  ink: string;
  rule: string;
  /** The span shown, unix ms; asked at each drawing, so that it can move on with time. */
  span: () => [number, number];
  pointed: (row: number | null) => void;
}

/** Columns per line: mean, smallest, largest. */
const COLUMNS = 3;
const FONT = '12px system-ui, sans-serif';

export function plot(root: HTMLElement, lines: Line[], data: uPlot.AlignedData, frame: Frame): uPlot {
  return new uPlot(options(lines, frame), data, root);
}

export function table(times: number[], tracks: Columns[]): uPlot.AlignedData {
  return [times, ...tracks.flatMap(({ mean, min, max }) => [mean, min, max])] as uPlot.AlignedData;
}

/** Shows or hides a line together with its band. */
export function show(chart: uPlot, line: number, shown: boolean): void {
  for (let column = 1; column <= COLUMNS; column += 1) chart.setSeries(line * COLUMNS + column, { show: shown });
}

function options(lines: Line[], frame: Frame): uPlot.Options {
  return {
    width: frame.width,
    height: frame.height,
    padding: [14, 4, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false, setScale: false },
      points: { size: (_, series) => ((series - 1) % COLUMNS === 0 ? 7 : 0) },
    },
    scales: {
      x: { time: false, range: () => seconds(frame.span()) },
      power: { range: (_, low, high) => powerRange(low, high) },
      soc: { range: [0, 100] },
    },
    axes: axes(lines, frame),
    series: [{}, ...lines.flatMap(series)],
    bands: lines.map(({ color }, line) => ({
      series: [line * COLUMNS + 3, line * COLUMNS + 2],
      fill: `${color}33`,
    })),
    hooks: {
      setCursor: [(chart) => frame.pointed(chart.cursor.idx ?? null)],
      drawAxes: [(chart) => zeroLine(chart, frame.ink)],
    },
  };
}

function seconds([from, to]: [number, number]): uPlot.Range.MinMax {
  return [from / 1_000, to / 1_000];
}

/** Zero is always in view, and a quiet night does not blow noise up to the full height. */
export function powerRange(low: number | null, high: number | null): uPlot.Range.MinMax {
  const least = Math.min(0, low ?? 0);
  const most = Math.max(0, high ?? 0);
  const room = Math.max(500, most - least) * 0.06;
  return [least < 0 ? least - room : 0, Math.max(most + room, least + 500)];
}

function axes(lines: Line[], frame: Frame): uPlot.Axis[] {
  const look = { font: FONT, stroke: frame.ink, ticks: { show: false } };
  const grid = { stroke: frame.rule, width: 1 };
  const marks = Math.max(2, Math.floor(frame.width / 95));
  const axes: uPlot.Axis[] = [
    {
      ...look,
      grid: { show: false },
      size: 30,
      splits: (_, __, from, to) => ticks(from * 1_000, to * 1_000, frame.zone, marks).map((at) => at / 1_000),
      values: (_, splits) => splits.map((at) => tickLabel(at * 1_000, frame.zone, frame.language)),
    },
    { ...look, grid, scale: 'power', size: 54, values: (_, splits) => powerLabels(splits, frame.language) },
  ];
  if (lines.some(({ scale }) => scale === 'soc')) {
    axes.push({
      ...look,
      grid: { show: false },
      scale: 'soc',
      side: 1,
      size: 46,
      splits: () => [0, 25, 50, 75, 100],
      values: (_, splits) => splits.map((percent) => `${number(percent, 0, frame.language)}\u00a0%`),
    });
  }
  return axes;
}

/** One unit for the whole axis, chosen by its largest mark. */
export function powerLabels(splits: number[], language: string): string[] {
  const most = Math.max(...splits.map(Math.abs));
  if (most < 1_000) return splits.map((watts) => `${number(watts, 0, language)}\u00a0W`);
  const decimals = splits.every((watts) => watts % 1_000 === 0) ? 0 : 1;
  return splits.map((watts) => `${number(watts / 1_000, decimals, language)}\u00a0kW`);
}

function series({ scale, color, dashed, filled, shown }: Line): uPlot.Series[] {
  const edge: uPlot.Series = { scale, show: shown, stroke: 'transparent', width: 0, points: { show: false } };
  const mean: uPlot.Series = {
    scale,
    show: shown,
    stroke: color,
    width: 2,
    points: { show: false },
    ...(dashed ? { dash: [5, 4], width: 1.5 } : {}),
    ...(filled ? { fill: `${color}26` } : {}),
  };
  return [mean, edge, { ...edge }];
}

function zeroLine(chart: uPlot, color: string): void {
  const y = Math.round(chart.valToPos(0, 'power', true)) + 0.5;
  const { left, width } = chart.bbox;
  const { ctx } = chart;
  ctx.save();
  ctx.globalAlpha = 0.5;
  ctx.strokeStyle = color;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(left, y);
  ctx.lineTo(left + width, y);
  ctx.stroke();
  ctx.restore();
}
