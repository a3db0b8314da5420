// A stretch of time in words.
import { civil, clock, moment } from '../format/time';

const HALF_DAY_MS = 43_200_000;

/** "22:00–06:00", with the day where it does not begin today. */
export function stretch(fromMs: number, toMs: number, nowMs: number, zone: string, language: string): string {
  // After so long, and past midnight, the clock alone would not tell which day is meant.
  const isLong = toMs - fromMs >= HALF_DAY_MS && civil(fromMs, zone).day !== civil(toMs - 1, zone).day;
  const start = moment(fromMs, nowMs, zone, language);
  return isLong ? `${start} – ${moment(toMs, nowMs, zone, language)}` : `${start}–${clock(toMs, zone, language)}`;
}
