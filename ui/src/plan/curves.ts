// Turns stretches of time into the paths of an SVG. Where nothing is known the line breaks.
import type { Colour } from './types';

export type Scale = (value: number) => number;

export interface Stretch {
  from: number;
  to: number;
  value: number | null;
}

export interface Band {
  from: number;
  to: number;
  low: number | null;
  high: number | null;
}

/** From `domain` to `range`, straight. */
export function scale([low, high]: readonly [number, number], [from, to]: readonly [number, number]): Scale {
  const size = high - low;
  return (value) => (size === 0 ? (from + to) / 2 : from + ((value - low) / size) * (to - from));
}

const at = (value: number): string => String(Math.round(value * 10) / 10);

/** A line of steps: level over each stretch, upright between two that touch. */
export function stepPath(stretches: Stretch[], x: Scale, y: Scale): string {
  let path = '';
  let reached: number | null = null;
  for (const { from, to, value } of stretches) {
    if (value === null) {
      reached = null;
      continue;
    }
    path += reached === from ? `V${at(y(value))}` : `M${at(x(from))} ${at(y(value))}`;
    path += `H${at(x(to))}`;
    reached = to;
  }
  return path;
}

/** The area between low and high, in steps. */
export function bandPath(bands: Band[], x: Scale, y: Scale): string {
  let path = '';
  for (const { from, to, low, high } of bands) {
    if (low === null || high === null) continue;
    path += `M${at(x(from))} ${at(y(high))}H${at(x(to))}V${at(y(low))}H${at(x(from))}Z`;
  }
  return path;
}

/** The area between a line of steps and `base`. */
export function areaPath(stretches: Stretch[], base: number, x: Scale, y: Scale): string {
  return bandPath(stretches.map(({ from, to, value }) => ({ from, to, low: value === null ? null : base, high: value })), x, y);
}

/** A line through points. */
export function linePath(points: (readonly [number, number | null])[], x: Scale, y: Scale): string {
  let path = '';
  let isDown = false;
  for (const [ms, value] of points) {
    if (value === null) {
      isDown = false;
      continue;
    }
    path += `${isDown ? 'L' : 'M'}${at(x(ms))} ${at(y(value))}`;
    isDown = true;
  }
  return path;
}

/** Round marks between `low` and `high`, about `most` of them; zero is among them where it lies between. */
export function marks([low, high]: readonly [number, number], most: number): number[] {
  const size = Math.max(high - low, 1e-9);
  const rough = size / Math.max(1, most - 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** The least and the most of all known values, zero included; never less than `least` apart. */
export function extent(values: (number | null | undefined)[], least = 0): [number, number] {
  let [low, high] = [0, 0];
  for (const value of values) {
    if (value == null || !Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, Math.max(high, low + least)];
}

export interface ColourBand {
  fromMs: number;
  toMs: number;
  colour: Colour | null;
}

/** Slots of one colour that follow each other as one. */
export function colourBands(slots: { start: string; end: string; colour: Colour | null }[]): ColourBand[] {
  const bands: ColourBand[] = [];
  for (const { start, end, colour } of slots) {
    const [fromMs, toMs] = [Date.parse(start), Date.parse(end)];
    const last = bands.at(-1);
    if (last && last.colour === colour && last.toMs === fromMs) last.toMs = toMs;
    else bands.push({ fromMs, toMs, colour });
  }
  return bands;
}

/** The stretches that are guessed and those that are not, each with `null` where the other is. Both lines together are the whole. */
export function apart(slots: (Stretch & { estimated: boolean })[], estimated: boolean): Stretch[] {
  return slots.map((slot) => ({ from: slot.from, to: slot.to, value: slot.estimated === estimated ? slot.value : null }));
}
