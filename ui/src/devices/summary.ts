// Which of a device's values its card shows first. Chosen by role, kind and unit, so that a new driver needs no change here.
import type { Metric, Value } from '../api/types';
import { known } from '../format/number';

/** Charging and the like are only said above this; below it a battery rests. */
const IDLE_W = 10;

export interface Headlines {
  soc: string | null;
  /** The device's signed power. */
  power: string | null;
  /** Our word for the mode, then the device's own. */
  modes: string[];
  temperature: string | null;
  /** What else one wants to see of an inverter that feeds loads. */
  facts: string[];
  /** What it complains about. */
  troubles: string[];
  energies: string[];
}

const POWER_BY_ROLE: [string, string[]][] = [
  ['battery', ['battery_power']],
  ['grid_meter', ['grid_power']],
  ['pv', ['pv_power']],
  ['inverter', ['load_power', 'inverter_power', 'ac_power']],
];
const MODES = ['battery_mode', 'battery_mode_native', 'inverter_mode'];
/** An inverter that feeds loads: what it does now, not what it is set to. */
const INVERTER_MODES = ['inverter_mode', 'inverter_mode_native', ...MODES];
const FACTS = ['load_power', 'pv_power', 'grid_voltage', 'output_priority'];
const TROUBLES = ['inverter_faults', 'inverter_warnings'];

export function headlines(roles: string[], ids: string[], metrics: ReadonlyMap<string, Metric>): Headlines {
  const first = (wanted: string[]): string | null => wanted.find((id) => ids.includes(id)) ?? null;
  const candidates = POWER_BY_ROLE.filter(([role]) => roles.includes(role)).flatMap(([, wanted]) => wanted);
  const present = (wanted: string[]): string[] => wanted.filter((id) => ids.includes(id));
  const feedsLoads = roles.includes('load_meter');
  return {
    soc: first(['battery_soc']),
    power: first(candidates),
    modes: present(feedsLoads ? INVERTER_MODES : MODES),
    temperature: first(['battery_temperature']) ?? ids.find((id) => metrics.get(id)?.unit === '°C') ?? null,
    facts: feedsLoads ? present(FACTS).filter((id) => id !== first(candidates)) : [],
    troubles: present(TROUBLES),
    energies: ids.filter((id) => isEnergyTotal(metrics.get(id))),
  };
}

function isEnergyTotal(metric: Metric | undefined): boolean {
  return metric?.kind === 'counter' && (metric.unit === 'Wh' || metric.unit === 'kWh');
}

/** What a device complains about, in words; null where it does not, or where that is not known. */
export function complaint(value: Value | undefined): string | null {
  const text = value?.value;
  if (typeof text !== 'string' || text === '' || text === 'none') return null;
  return text.replaceAll('_', ' ');
}

export type PowerWord = 'charging' | 'discharging' | 'importing' | 'exporting' | 'idle';

/** What the sign of a power means; null where the sign carries no direction. */
export function powerWord(metric: string, value: Value | undefined): PowerWord | null {
  const watts = known(value);
  if (watts === null) return null;
  if (metric === 'battery_power') return Math.abs(watts) < IDLE_W ? 'idle' : watts > 0 ? 'discharging' : 'charging';
  if (metric === 'grid_power') return Math.abs(watts) < IDLE_W ? 'idle' : watts > 0 ? 'importing' : 'exporting';
  return null;
}

/** The order of the full list: as the catalogue has it, then what it does not know. */
export function inCatalogueOrder(ids: string[], metrics: ReadonlyMap<string, Metric>): string[] {
  const order = new Map([...metrics.keys()].map((id, index) => [id, index]));
  return [...ids].sort(
    (a, b) => (order.get(a) ?? Infinity) - (order.get(b) ?? Infinity) || a.localeCompare(b),
  );
}
