// The mock's inverter with a battery and panels of its own: at midday it charges, and most of it can be set.
import { fresh } from './devices.mjs';

/** @typedef {import('./devices.mjs').Value} Value */
/** @typedef {{ name: string, unit: string | null, allowed: any }} Setting */

/** @type {Setting[]} */
const SETTINGS = [
  { name: 'output_priority', unit: null, allowed: { states: ['utility_first', 'solar_first', 'solar_battery_utility'] } },
  { name: 'charger_priority', unit: null, allowed: { states: ['solar_first', 'solar_and_utility', 'solar_only'] } },
  { name: 'charge_current_max', unit: 'A', allowed: { numbers: [10, 20, 30, 40, 50, 60, 80, 100] } },
  { name: 'battery_recharge_voltage', unit: 'V', allowed: { numbers: [44, 45, 46, 47, 48, 49, 50, 51] } },
  { name: 'battery_float_voltage', unit: 'V', allowed: { min: 48, max: 58.4, step: 0.1 } },
  { name: 'flag_buzzer', unit: null, allowed: { states: ['no', 'yes'] } },
];

const EVIDENCE = [
  { what: 'QPI', seen: '(PI30', means: 'an inverter of family PI30' },
  { what: 'QID', seen: '(92933787855830', means: 'serial number 92933787855830' },
  { what: 'QPIGS', seen: '21 fields', means: '' },
  { what: 'QPIGS2', seen: '(02.4 207.3 00498 ', means: 'only newer units do so: PI30MAX' },
];

/** What was set on it, by name. @typedef {Record<string, string | number>} Store */
export const FACTORY = Object.freeze({
  output_priority: 'solar_battery_utility',
  charger_priority: 'solar_first',
  charge_current_max: 60,
  battery_recharge_voltage: 48,
  battery_float_voltage: 54,
  flag_buzzer: 'yes',
});

/** @param {number} nowMs @param {Readonly<Store>} store @returns {Record<string, Value>} */
function values(nowMs, store) {
  /** @type {[string, string | number, string | null][]} */
  const told = [
    ['battery_soc', 62, '%'],
    ['battery_power', -534, 'W'],
    ['battery_voltage', 52.14, 'V'],
    ['battery_mode', 'auto', null],
    ['battery_mode_native', 'SBU', null],
    ['inverter_mode', 'battery', null],
    ['inverter_mode_native', 'B', null],
    ['inverter_temperature', 33, '°C'],
    ['inverter_load_share', 5, '%'],
    ['inverter_faults', 'none', null],
    ['inverter_warnings', 'none', null],
    ['grid_voltage', 231.8, 'V'],
    ['pv_power', 998, 'W'],
    ['load_power', 371, 'W'],
    ['load_energy', 1_284.31, 'kWh'],
    ['frames_dropped', 3, null],
  ];
  const now = [...told, ...SETTINGS.map(({ name, unit }) => /** @type {[string, string | number, string | null]} */ ([name, store[name] ?? '', unit]))];
  return Object.fromEntries(now.map(([id, value, unit]) => [id, fresh(value, unit, nowMs)]));
}

/** @param {number} nowMs @param {Readonly<Store>} store */
export function inverter(nowMs, store = FACTORY) {
  return {
    device: 'workshop',
    driver: 'voltronic',
    name: 'Workshop',
    model: 'MAX2-8000',
    firmware: '49.05',
    serial: '92933787855830',
    address: '/dev/hidraw0',
    phase: null,
    online: /** @type {boolean | null} */ (true),
    since: new Date(nowMs - 5 * 3_600_000).toISOString(),
    roles: ['inverter', 'battery', 'pv', 'load_meter'],
    notices: [
      {
        code: 'soc_estimated',
        severity: 'info',
        text: 'the state of charge is the inverter’s guess from the battery’s voltage unless a battery with a data line is connected to it',
        hint: 'rely on the battery’s own management system or a shunt where there is one',
      },
    ],
    modes: ['auto', 'hold', 'native:usb', 'native:sub', 'native:sbu'],
    settings: SETTINGS,
    evidence: EVIDENCE,
    last_success: new Date(nowMs).toISOString(),
    values: values(nowMs, store),
  };
}

/** A house with this inverter alone and no grid meter: the load is measured, the grid is what remains. @param {number} nowMs */
export function itsHouse(nowMs) {
  return {
    grid_power: fresh(-93, 'W', nowMs),
    battery_power: fresh(-534, 'W', nowMs),
    pv_power: fresh(998, 'W', nowMs),
    load_power: fresh(371, 'W', nowMs),
    battery_soc: fresh(62, '%', nowMs),
  };
}

/** @param {Setting} setting @param {unknown} value */
export function takes({ allowed }, value) {
  if (allowed.states) return allowed.states.includes(value);
  if (allowed.numbers) return allowed.numbers.includes(value);
  return typeof value === 'number' && value >= allowed.min && value <= allowed.max;
}
