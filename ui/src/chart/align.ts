// Lays several histories on one time axis for uPlot.
//
// uPlot wants one sorted list of times and, per series, one column as long: a number, `null` where the line must break
// (a gap: nothing was measured), or `undefined` where this series merely has no point at that time (the line goes on).
import type { HistoryValue } from '../api/types';

export interface Track {
  points: [number, HistoryValue][];
  /** The step that the points were reduced to; null when they are as measured. */
  stepMs: number | null;
}

export type Column = (number | null | undefined)[];

export interface Columns {
  mean: Column;
  min: Column;
  max: Column;
}

export interface Aligned {
  /** Unix seconds, ascending, as uPlot counts. */
  times: number[];
  tracks: Columns[];
}

/** Raw points further apart than this are a gap even if the device is slow. */
const RAW_GAP_MS = 5 * 60_000;
/** A lost answer or two leave out a short step; that is not worth a hole in the line. */
const STEP_GAP_MS = 3 * 60_000;

export function align(tracks: Track[]): Aligned {
  const perTrack = tracks.map((track) => withGaps(track));
  const times = [...new Set(perTrack.flatMap((points) => points.map(([at]) => at)))].sort((a, b) => a - b);
  const row = new Map(times.map((at, index) => [at, index]));
  return {
    times: times.map((at) => at / 1_000),
    tracks: perTrack.map((points) => columns(points, row, times.length)),
  };
}

function columns(points: [number, HistoryValue | null][], row: Map<number, number>, length: number): Columns {
  const mean: Column = new Array<number | null | undefined>(length).fill(undefined);
  const min = [...mean];
  const max = [...mean];
  for (const [at, value] of points) {
    const index = row.get(at);
    if (index === undefined) continue;
    const [low, middle, high] = Array.isArray(value) ? value : [value, value, value];
    min[index] = low;
    mean[index] = middle;
    max[index] = high;
  }
  return { mean, min, max };
}

/** The track's points, with a `null` put just after the last one before each gap. */
function withGaps({ points, stepMs }: Track): [number, HistoryValue | null][] {
  const limit = stepMs === null ? RAW_GAP_MS : Math.max(1.5 * stepMs, STEP_GAP_MS);
  const out: [number, HistoryValue | null][] = [];
  let previous: number | null = null;
  for (const [at, value] of points) {
    if (previous !== null && at <= previous) continue;
    if (previous !== null && at - previous > limit) out.push([previous + 1, null]);
    out.push([at, value]);
    previous = at;
  }
  return out;
}

/** The track with newer live points behind it; points that the history already covers are left out. */
export function extended(track: Track, live: [number, number][]): Track {
  const last = track.points.at(-1)?.[0] ?? -Infinity;
  return { stepMs: track.stepMs, points: [...track.points, ...live.filter(([at]) => at > last)] };
}
