// How the grid's power is known. The server does the sum; the page says which kind of figure it is, so that nobody takes a
// remainder for a measurement.

/** What the picture needs of a device. */
export interface Source {
  name: string;
  roles: string[];
  /** At its grid input, in volts; null where that is unknown. */
  gridVoltage: number | null;
}

/** Below this there is no grid, only what the wires pick up. */
const DEAD_V = 30;
/** A remainder below this, or below this share of what the house gives itself, is what the inverter turns into heat. */
const LOSSES_W = 100;
const LOSSES_SHARE = 0.15;

/** Without a grid meter the load is measured and the grid is what remains. The same rule as the server's. */
export function isComputed(sources: Source[]): boolean {
  const has = (role: string): boolean => sources.some(({ roles }) => roles.includes(role));
  return !has('grid_meter') && has('load_meter');
}

/** The inverters whose grid input is dead, where all of them say so: nothing comes from the grid, whatever the sum says. */
export function dead(sources: Source[]): string[] {
  if (!isComputed(sources)) return [];
  const feeders = sources.filter(({ roles }) => roles.includes('load_meter'));
  const isDead = feeders.every(({ gridVoltage }) => gridVoltage !== null && gridVoltage < DEAD_V);
  return isDead ? feeders.map(({ name }) => name) : [];
}

/** Whether a remainder that looks like export is no more than the losses of the conversion. */
export function isLosses(grid: number | null, battery: number | null, solar: number | null): boolean {
  if (grid === null || grid >= 0) return false;
  const throughput = Math.abs(battery ?? 0) + Math.abs(solar ?? 0);
  return -grid < Math.max(LOSSES_W, throughput * LOSSES_SHARE);
}
