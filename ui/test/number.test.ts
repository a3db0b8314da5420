import { describe, expect, test } from 'vitest';
import { exact, headline, known, metricLabel, number, quantity, UNKNOWN } from '../src/format/number';
import type { Metric } from '../src/api/types';

const SOC: Metric = { id: 'battery_soc', label: { en: 'State of charge', fr: 'État de charge' }, unit: '%', decimals: 1, kind: 'gauge' };
const MODE: Metric = {
  id: 'battery_mode',
  label: { en: 'Mode' },
  unit: null,
  decimals: 0,
  kind: 'state',
  states: [{ key: 'auto', label: { en: 'Automatic', fr: 'Automatique' } }],
};

describe('quantity', () => {
  test.each([
    [0, 'W', '0', 'W'],
    [-0.4, 'W', '0', 'W'],
    [812.4, 'W', '812', 'W'],
    [999.4, 'W', '999', 'W'],
    [999.6, 'W', '1.00', 'kW'],
    [-2140, 'W', '-2.14', 'kW'],
    [12_345, 'W', '12.3', 'kW'],
    [123_456, 'W', '123', 'kW'],
    [850, 'Wh', '850', 'Wh'],
    [1_284_300, 'Wh', '1.28', 'MWh'],
    [54_200, 'Wh', '54.2', 'kWh'],
    [3.456, 'kWh', '3.46', 'kWh'],
    [1_289.57, 'kWh', '1,290', 'kWh'],
    [10_000, 'kWh', '10.0', 'MWh'],
  ])('%d %s reads %s %s', (value, unit, figure, scaled) => {
    expect(quantity(value, unit, 0, 'en')).toEqual({ figure, unit: scaled });
  });
});

test('numbers follow the language', () => {
  expect(number(1234.5, 1, 'en')).toBe('1,234.5');
  expect(number(1234.5, 1, 'de')).toBe('1.234,5');
  expect(number(1234.5, 1, 'fr')).toBe('1\u202f234,5');
});

test('unknown is a dash, never zero', () => {
  expect(headline({ value: null, why: 'the meter does not answer' }, SOC, 'en')).toBe(UNKNOWN);
  expect(headline(undefined, SOC, 'en')).toBe(UNKNOWN);
  expect(exact({ value: null }, SOC, 'en')).toBe(UNKNOWN);
  expect(known({ value: null })).toBeNull();
  expect(known({ value: 'NaN' })).toBeNull();
  expect(known({ value: 0 })).toBe(0);
});

test('an exact value keeps the catalogue’s unit and decimals', () => {
  expect(exact({ value: 81, unit: '%' }, SOC, 'en')).toBe('81.0\u00a0%');
  expect(exact({ value: 1_502_700, unit: 'Wh' }, undefined, 'en')).toBe('1,502,700\u00a0Wh');
  expect(exact({ value: 25.123, unit: '°C' }, undefined, 'en')).toBe('25.12\u00a0°C');
});

test('a state shows its label in the language, else English, else its key', () => {
  expect(exact({ value: 'auto' }, MODE, 'fr')).toBe('Automatique');
  expect(exact({ value: 'auto' }, MODE, 'de')).toBe('Automatic');
  expect(exact({ value: 'ups' }, MODE, 'de')).toBe('ups');
});

test('a metric that the catalogue lacks still has a name', () => {
  expect(metricLabel('battery_soc', SOC, 'fr')).toBe('État de charge');
  expect(metricLabel('new_thing', undefined, 'fr')).toBe('new thing');
});
