import { describe, expect, test } from 'vitest';
import type { Metric } from '../src/api/types';
import { mood, plain, request, usualS } from '../src/devices/request';
import { asksFirst, choices, isSame, stepDecimals, wish } from '../src/devices/setting';
import { complaint, headlines, inCatalogueOrder, powerWord } from '../src/devices/summary';
import { byReason } from '../src/format/reasons';

const metric = (id: string, kind: Metric['kind'], unit: string | null): [string, Metric] => [
  id,
  { id, label: {}, unit, decimals: 0, kind },
];
const METRICS = new Map([
  metric('battery_soc', 'gauge', '%'),
  metric('battery_power', 'gauge', 'W'),
  metric('grid_power', 'gauge', 'W'),
  metric('battery_mode', 'state', null),
  metric('heatsink_temperature', 'gauge', '°C'),
  metric('pv_energy_total', 'counter', 'Wh'),
  metric('restarts', 'counter', null),
]);

describe('headlines', () => {
  test('of a battery', () => {
    expect(headlines(['battery', 'grid_meter'], [...METRICS.keys()], METRICS)).toEqual({
      soc: 'battery_soc',
      power: 'battery_power',
      modes: ['battery_mode'],
      temperature: 'heatsink_temperature',
      facts: [],
      troubles: [],
      energies: ['pv_energy_total'],
    });
  });

  test('of a meter alone', () => {
    expect(headlines(['grid_meter'], ['grid_power'], METRICS)).toMatchObject({ soc: null, power: 'grid_power', modes: [] });
  });

  test('of a device that has nothing yet', () => {
    expect(headlines([], [], METRICS)).toEqual({ soc: null, power: null, modes: [], temperature: null, facts: [], troubles: [], energies: [] });
  });

  const INVERTER = ['battery_mode', 'battery_mode_native', 'inverter_mode', 'output_priority', 'inverter_faults', 'inverter_warnings', 'grid_voltage', 'pv_power', 'load_power'];

  test('of an inverter with a battery: what it does, not what it is set to, and the rest as facts', () => {
    const roles = ['inverter', 'battery', 'pv', 'load_meter'];
    const shown = headlines(roles, ['battery_soc', 'battery_power', ...INVERTER], METRICS);
    expect(shown).toMatchObject({
      soc: 'battery_soc',
      power: 'battery_power',
      facts: ['load_power', 'pv_power', 'grid_voltage', 'output_priority'],
      troubles: ['inverter_faults', 'inverter_warnings'],
    });
    expect(shown.modes[0]).toBe('inverter_mode');
  });

  test('of an inverter without a battery: its first power is not said twice', () => {
    const shown = headlines(['inverter', 'load_meter'], INVERTER, METRICS);
    expect(shown.power).toBe('load_power');
    expect(shown.facts).not.toContain('load_power');
  });

  test('a battery that also converts keeps its card', () => {
    const shown = headlines(['battery', 'inverter', 'grid_meter', 'pv'], ['battery_power', ...INVERTER], METRICS);
    expect(shown).toMatchObject({ modes: ['battery_mode', 'battery_mode_native', 'inverter_mode'], facts: [] });
  });
});

test.each([
  ['battery_voltage_low, grid_failed', 'battery voltage low, grid failed'],
  ['none', null],
  ['', null],
  [null, null],
  [3, null],
])('complaint %j is %j', (value, expected) => {
  expect(complaint({ value })).toBe(expected);
});

test('a value that never came is no complaint', () => {
  expect(complaint(undefined)).toBeNull();
});

describe('setting', () => {
  const states = { states: ['no', 'yes'] };
  const numbers = { numbers: [2, 10, 20] };
  const range = { min: 48, max: 58.4, step: 0.1 };

  test('only the order of the sources is changed without asking', () => {
    expect(['output_priority', 'charger_priority'].filter(asksFirst)).toEqual([]);
    const risky = ['battery_float_voltage', 'charge_current_max', 'battery_type', 'flag_buzzer', 'something_new'];
    expect(risky.filter(asksFirst)).toEqual(risky);
  });

  test('choices', () => {
    expect(choices(states)).toEqual(['no', 'yes']);
    expect(choices(numbers)).toEqual(['2', '10', '20']);
    expect(choices(range)).toBeNull();
  });

  test('a number is sent as a number, a state as text', () => {
    expect(wish(states, 'yes')).toBe('yes');
    expect(wish(numbers, '20')).toBe(20);
    expect(wish(range, '54.4')).toBe(54.4);
  });

  test.each([
    [range, '54', '54.0', true],
    [range, '54', '54.1', false],
    [range, '', '0', false],
    [states, 'no', 'no', true],
    [states, 'no', '', false],
  ])('%j: %j is %j: %j', (allowed, one, other, expected) => {
    expect(isSame(allowed, one, other)).toBe(expected);
  });

  test.each([
    [0.1, 1],
    [1, 0],
    [0.05, 2],
  ])('a step of %d has %d places', (step, places) => {
    expect(stepDecimals(step)).toBe(places);
  });
});

test.each([
  ['battery_power', 500, 'discharging'],
  ['battery_power', -500, 'charging'],
  ['battery_power', 3, 'idle'],
  ['grid_power', 500, 'importing'],
  ['grid_power', -500, 'exporting'],
  ['load_power', 500, null],
])('%s %d is %s', (id, value, word) => {
  expect(powerWord(id, { value })).toBe(word);
});

test('no word for an unknown power', () => {
  expect(powerWord('battery_power', { value: null })).toBeNull();
});

test('the catalogue’s order, then what it does not know', () => {
  expect(inCatalogueOrder(['zeta', 'grid_power', 'alpha', 'battery_soc'], METRICS)).toEqual(['battery_soc', 'grid_power', 'alpha', 'zeta']);
});

describe('request', () => {
  const form = { powerW: 800, untilPct: 90, forS: 3_600 };

  test.each([
    ['auto', { mode: 'auto', for_s: 3_600 }],
    ['hold', { mode: 'hold', for_s: 3_600 }],
    ['charge', { mode: 'charge', power_w: 800, until_soc_pct: 90, for_s: 3_600 }],
    ['discharge', { mode: 'discharge', power_w: 800, for_s: 3_600 }],
    ['native:ai', { mode: 'native', native: 'ai', for_s: 3_600 }],
  ])('%s sends only what it takes', (mode, expected) => {
    expect(request({ mode, ...form })).toEqual(expected);
  });

  test('no power means none, not zero', () => {
    expect(request({ mode: 'charge', powerW: null, untilPct: null, forS: 60 })).toEqual({ mode: 'charge', for_s: 60 });
  });

  test('no time means the usual one, not zero', () => {
    expect(request({ mode: 'hold', powerW: null, untilPct: null, forS: 0 })).toEqual({ mode: 'hold' });
    expect(usualS('charge', { power_s: 3_600, mode_s: 86_400 })).toBe(3_600);
    expect(usualS('hold', { power_s: 3_600, mode_s: 86_400 })).toBe(86_400);
    expect(usualS('hold', undefined)).toBe(null);
  });
});

test('an unproven or unknown outcome is never shown as good', () => {
  expect(mood('confirmed')).toBe('good');
  expect(mood('accepted_unmeasured')).toBe('doubtful');
  expect(mood('dry_run')).toBe('dry');
  for (const outcome of ['ineffective', 'rejected', 'failed', 'something_new']) expect(mood(outcome)).toBe('bad');
});

test('free ledger fields read as text', () => {
  expect(plain(null)).toBe('');
  expect(plain('Auto')).toBe('Auto');
  expect(plain({ mode: 'Auto' })).toBe('{"mode":"Auto"}');
  expect(plain(0)).toBe('0');
});

test('a shared reason is said once', () => {
  expect(
    byReason([
      { name: 'A', why: 'gone' },
      { name: 'B', why: 'late' },
      { name: 'C', why: 'gone' },
    ]),
  ).toEqual([
    { names: ['A', 'C'], why: 'gone' },
    { names: ['B'], why: 'late' },
  ]);
});
