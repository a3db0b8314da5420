// What the energy picture draws: for each leg its direction, width and pace, from the signed powers.
// Signs: power that feeds the house is positive (grid import +, battery discharge +, solar +); the load is what the house takes.

export type LegName = 'solar' | 'grid' | 'battery' | 'load';
export type Direction = 'unknown' | 'idle' | 'feeding' | 'taking';

export interface Leg {
  direction: Direction;
  /** Stroke width in the drawing's units. */
  width: number;
  /** Seconds for one dot to move on by one gap; shorter is faster. */
  seconds: number;
}

/** Below this a power is measurement noise and nothing is drawn as moving. */
const IDLE_W = 10;
/** The power at which the widest stroke is reached, unless a leg carries more. */
const FULL_W = 3_000;

export const DOT_GAP = 16;

/** `feeding` means towards the house's bus bar; for the load, `taking` is the ordinary direction. */
export function legs(powers: Record<LegName, number | null>): Record<LegName, Leg> {
  const most = Math.max(FULL_W, ...Object.values(powers).map((power) => Math.abs(power ?? 0)));
  return {
    solar: leg(powers.solar, most),
    grid: leg(powers.grid, most),
    battery: leg(powers.battery, most),
    // The load is positive when power leaves the bus bar.
    load: leg(powers.load === null ? null : -powers.load, most),
  };
}

function leg(power: number | null, most: number): Leg {
  if (power === null) return { direction: 'unknown', width: 2, seconds: 0 };
  const size = Math.abs(power);
  if (size < IDLE_W) return { direction: 'idle', width: 2, seconds: 0 };
  // The square root keeps small powers visible beside large ones.
  const share = Math.sqrt(size / most);
  return {
    direction: power > 0 ? 'feeding' : 'taking',
    width: Math.round((3 + 7 * share) * 10) / 10,
    seconds: Math.round((1.8 - 1.4 * share) * 20) / 20,
  };
}

/** Height of the battery's fill, 0 to `full`; 0 when unknown (the picture then shows the unknown sign). */
export function fillHeight(socPct: number | null, full: number): number {
  if (socPct === null) return 0;
  return (Math.min(100, Math.max(0, socPct)) / 100) * full;
}

/** How bright the sun is drawn, 0.25 to 1. */
export function sunlight(solarW: number | null): number {
  if (solarW === null || solarW < IDLE_W) return 0.25;
  return 0.55 + 0.45 * Math.min(1, Math.sqrt(solarW / FULL_W));
}
