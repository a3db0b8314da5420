// The age of a value, and when the page can no longer vouch for it.
import type { Value } from '../api/types';

/** A value as it arrived: the server says its age at that moment, and it ages from then on. */
export interface Aged {
  value: Value;
  /** The browser's clock at arrival, unix ms. Only differences of it are used: the two clocks need not agree. */
  arrivedMs: number;
}

/** Age in ms now; null when the server gave none. */
export function ageMs({ value, arrivedMs }: Aged, nowMs: number): number | null {
  if (value.age_ms == null) return null;
  return value.age_ms + Math.max(0, nowMs - arrivedMs);
}

/**
 * Unconfirmed for so long, a shown value is greyed. What is too old the server itself calls unknown, by rules of each metric
 * that only it has; this covers what the page can no longer know. While it is connected it hears of each value every 60 s.
 */
const STALE_MS = 90_000;

export function isStale({ arrivedMs }: Aged, nowMs: number): boolean {
  return nowMs - arrivedMs > STALE_MS;
}

export type AgeUnit = 's' | 'min' | 'h' | 'd';

/** The largest unit that tells enough: 12 s, 3 min, 5 h, 2 d. */
export function inWords(ms: number): { count: number; unit: AgeUnit } {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 120) return { count: seconds, unit: 's' };
  if (seconds < 7_200) return { count: Math.floor(seconds / 60), unit: 'min' };
  if (seconds < 172_800) return { count: Math.floor(seconds / 3_600), unit: 'h' };
  return { count: Math.floor(seconds / 86_400), unit: 'd' };
}
