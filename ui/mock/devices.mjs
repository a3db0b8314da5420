// The mock's devices: two batteries that answer, one that does not, with values taken from the house of the moment.
import { at } from './house.mjs';

/** @typedef {{ value: number | string | null, unit?: string | null, at?: string | null, age_ms?: number | null, why?: string }} Value */

/**
 * @param {number | string} value
 * @param {string | null} unit
 * @param {number} nowMs
 * @param {number} ageMs
 * @returns {Value}
 */
export function fresh(value, unit, nowMs, ageMs = 400) {
  return { value, ...(unit === null ? {} : { unit }), at: new Date(nowMs - ageMs).toISOString(), age_ms: ageMs };
}

/** @param {string | null} unit @param {string} why @returns {Value} */
export function unknown(unit, why) {
  return { value: null, unit, at: null, age_ms: null, why };
}

const MODES = ['auto', 'hold', 'hold_charge', 'charge', 'discharge', 'idle', 'native:ai', 'native:manual'];

/** @param {number} nowMs @param {number} share @param {number} offset SoC against the house's mean, in points */
function batteryValues(nowMs, share, offset) {
  const { battery, solar, soc, grid } = at(nowMs);
  const charge = Math.min(100, Math.max(11, soc + offset));
  return {
    battery_soc: fresh(Math.round(charge * 10) / 10, '%', nowMs),
    battery_power: fresh(Math.round(battery * share), 'W', nowMs),
    battery_mode: fresh('auto', null, nowMs),
    battery_mode_native: fresh('Auto', null, nowMs),
    battery_temperature: fresh(Math.round((21 + Math.abs(battery) / 400 + offset / 5) * 10) / 10, '°C', nowMs, 20_000),
    battery_energy_remaining: fresh(Math.round(5.12 * charge) / 100, 'kWh', nowMs, 20_000),
    grid_power: fresh(grid, 'W', nowMs),
    pv_power: fresh(Math.round(solar * share), 'W', nowMs),
    inverter_output_energy: fresh(1_284.3 + (Math.round(nowMs / 1e6) % 10_000) / 1_000, 'kWh', nowMs, 48_000),
    inverter_input_energy: fresh(1_502.7, 'kWh', nowMs, 48_000),
    pv_energy: unknown('kWh', 'This firmware always reports 0 here, so it is not believed.'),
    wifi_signal: fresh(-57, 'dBm', nowMs, 190_000),
    wifi_ssid: fresh('orchard', null, nowMs, 190_000),
  };
}

/** @param {string} device @param {string} name @param {string} host @param {string} phase @param {number} nowMs */
function marstek(device, name, host, phase, nowMs) {
  return {
    device,
    driver: 'marstek',
    name,
    model: 'VenusE 3.0',
    firmware: '150',
    serial: `02a1b2c3d4e${phase.slice(1)}`,
    address: `${host}:30000`,
    phase,
    online: /** @type {boolean | null} */ (true),
    since: new Date(nowMs - 5 * 3_600_000).toISOString(),
    roles: ['battery', 'inverter', 'grid_meter', 'pv'],
    notices: /** @type {{ code: string, severity: string, text: string, hint: string }[]} */ ([]),
    modes: MODES,
    settings: /** @type {unknown[]} */ ([]),
    evidence: /** @type {unknown[]} */ ([]),
    control: /** @type {Record<string, string | null> | null} */ (null),
    last_success: new Date(nowMs).toISOString(),
    values: /** @type {Record<string, Value>} */ ({}),
  };
}

/** @param {number} nowMs */
export function devices(nowMs) {
  const a = { ...marstek('fase_a', 'Fase A', '192.0.2.80', 'L1', nowMs), values: batteryValues(nowMs, 0.52, 2.4) };
  const b = { ...marstek('fase_b', 'Fase B', '192.0.2.81', 'L2', nowMs), values: batteryValues(nowMs, 0.48, -3.1) };
  b.firmware = '139';
  b.control = {
    wants: 'hold',
    by: 'schedule',
    phase: 'accepted_unmeasured',
    code: 'schedule_window',
    reason: 'window night of the schedule',
    ends: null,
  };
  b.notices = [
    {
      code: 'risky_firmware',
      severity: 'warning',
      text: 'Firmware 139 stops answering energy questions after a while.',
      hint: 'Update it in the maker’s app; until then fewer questions are asked.',
    },
  ];
  const c = marstek('fase_c', 'Fase C', '192.0.2.82', 'L3', nowMs);
  const gone = 'No answer since 02:14; three attempts failed.';
  c.online = false;
  c.since = new Date(nowMs - 3 * 3_600_000).toISOString();
  c.last_success = new Date(nowMs - 3 * 3_600_000).toISOString();
  c.values = {
    battery_soc: unknown('%', gone),
    battery_power: unknown('W', gone),
    battery_mode: unknown(null, gone),
    battery_temperature: unknown('°C', gone),
  };
  return [a, b, c];
}

/** @param {number} nowMs */
export function house(nowMs) {
  const { solar, load, battery, grid, soc } = at(nowMs);
  return {
    grid_power: fresh(grid, 'W', nowMs),
    battery_power: fresh(battery, 'W', nowMs),
    pv_power: fresh(solar, 'W', nowMs),
    load_power: fresh(load, 'W', nowMs),
    battery_soc: fresh(Math.round(soc * 10) / 10, '%', nowMs),
  };
}
