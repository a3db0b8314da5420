import { describe, expect, test } from 'vitest';
import type { Metric } from '../src/api/types';
import { mood, plain, request } from '../src/devices/request';
import { headlines, inCatalogueOrder, powerWord } from '../src/devices/summary';
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
      energies: ['pv_energy_total'],
    });
  });

  test('of a meter alone', () => {
    expect(headlines(['grid_meter'], ['grid_power'], METRICS)).toMatchObject({ soc: null, power: 'grid_power', modes: [] });
  });

  test('of a device that has nothing yet', () => {
    expect(headlines([], [], METRICS)).toEqual({ soc: null, power: null, modes: [], temperature: null, energies: [] });
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
    ['auto', { mode: 'auto' }],
    ['hold', { mode: 'hold' }],
    ['charge', { mode: 'charge', power_w: 800, until_soc_pct: 90, for_s: 3_600 }],
    ['discharge', { mode: 'discharge', power_w: 800, for_s: 3_600 }],
    ['native:ai', { mode: 'native', native: 'ai' }],
  ])('%s sends only what it takes', (mode, expected) => {
    expect(request({ mode, ...form })).toEqual(expected);
  });

  test('no power means none, not zero', () => {
    expect(request({ mode: 'charge', powerW: null, untilPct: null, forS: 60 })).toEqual({ mode: 'charge', for_s: 60 });
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
