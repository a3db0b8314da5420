// The spans that the chart offers, each with the step it asks the server for.

export interface Range {
  id: '6h' | '24h' | '7d' | '30d' | '1y';
  spanMs: number;
  /** Step asked of the history: about 300 points for each span. */
  step: string;
  /** Live readings are added no closer than this. */
  liveMs: number;
  /** The history is fetched anew after this long, so that live points give way to reduced ones. */
  refetchMs: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export const RANGES: readonly [Range, Range, ...Range[]] = [
  { id: '6h', spanMs: 6 * HOUR, step: '1m', liveMs: 5_000, refetchMs: 5 * MINUTE },
  { id: '24h', spanMs: 24 * HOUR, step: '5m', liveMs: 15_000, refetchMs: 10 * MINUTE },
  { id: '7d', spanMs: 7 * 24 * HOUR, step: '30m', liveMs: 5 * MINUTE, refetchMs: 30 * MINUTE },
  // From here on the server answers from its summaries per hour.
  { id: '30d', spanMs: 30 * 24 * HOUR, step: '2h', liveMs: HOUR, refetchMs: 2 * HOUR },
  { id: '1y', spanMs: 365 * 24 * HOUR, step: '1d', liveMs: 24 * HOUR, refetchMs: 12 * HOUR },
];
