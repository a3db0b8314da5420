// How long to wait before the next try to reach the server.

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

/**
 * Doubles from 1 s to 30 s, then takes off up to a quarter by `random` (0..1), so that many open pages
 * do not come back in one instant after a restart.
 */
export function delayMs(failures: number, random: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
  return Math.round(full * (1 - 0.25 * random));
}
