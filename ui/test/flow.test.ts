import { describe, expect, test } from 'vitest';
import { dead, isComputed, isLosses } from '../src/flow/grid';
import { fillHeight, legs, sunlight } from '../src/flow/legs';

test('directions follow the signs', () => {
  const drawn = legs({ solar: 2_000, grid: -500, battery: -1_000, load: 500 });
  expect(drawn.solar.direction).toBe('feeding');
  expect(drawn.grid.direction).toBe('taking');
  expect(drawn.battery.direction).toBe('taking');
  expect(drawn.load.direction).toBe('taking');
});

test('unknown is not idle, and neither moves', () => {
  const drawn = legs({ solar: null, grid: 0, battery: 9, load: null });
  expect(drawn.solar.direction).toBe('unknown');
  expect(drawn.load.direction).toBe('unknown');
  expect(drawn.grid.direction).toBe('idle');
  expect(drawn.battery.direction).toBe('idle');
});

test('more power is wider and faster, within bounds', () => {
  let before = legs({ solar: 20, grid: 0, battery: 0, load: 0 }).solar;
  for (const watts of [100, 500, 1_500, 3_000, 9_000]) {
    const leg = legs({ solar: watts, grid: 0, battery: 0, load: 0 }).solar;
    expect(leg.width).toBeGreaterThanOrEqual(before.width);
    expect(leg.seconds).toBeLessThanOrEqual(before.seconds);
    expect(leg.width).toBeLessThanOrEqual(10);
    expect(leg.seconds).toBeGreaterThan(0.3);
    before = leg;
  }
});

test('the battery’s fill stays in its case', () => {
  expect(fillHeight(null, 52)).toBe(0);
  expect(fillHeight(50, 52)).toBe(26);
  expect(fillHeight(140, 52)).toBe(52);
  expect(fillHeight(-3, 52)).toBe(0);
});

test('the sun is dim at night and when unknown', () => {
  expect(sunlight(null)).toBe(0.25);
  expect(sunlight(0)).toBe(0.25);
  expect(sunlight(3_000)).toBe(1);
});

describe('the grid of an inverter', () => {
  const axpert = { name: 'Axpert', roles: ['inverter', 'battery', 'pv', 'load_meter'], gridVoltage: 231 };
  const meter = { name: 'Meter', roles: ['grid_meter'], gridVoltage: null };

  test('is what remains, unless there is a meter', () => {
    expect(isComputed([axpert])).toBe(true);
    expect(isComputed([axpert, meter])).toBe(false);
    expect(isComputed([{ ...axpert, roles: ['battery'] }])).toBe(false);
    expect(isComputed([])).toBe(false);
  });

  test('is dead where every inverter says so', () => {
    const dark = { ...axpert, gridVoltage: 0 };
    expect(dead([dark])).toEqual(['Axpert']);
    expect(dead([dark, { ...dark, name: 'Second' }])).toEqual(['Axpert', 'Second']);
    expect(dead([dark, axpert])).toEqual([]);
    expect(dead([axpert])).toEqual([]);
  });

  test('is not dead because its voltage is unknown, or because a metered house has a dark inverter', () => {
    expect(dead([{ ...axpert, gridVoltage: null }])).toEqual([]);
    expect(dead([{ ...axpert, gridVoltage: 0 }, meter])).toEqual([]);
    expect(dead([])).toEqual([]);
  });

  test('takes nothing that is only lost on the way', () => {
    expect(isLosses(-93, -534, 998)).toBe(true);
    expect(isLosses(-700, -534, 4_000)).toBe(false);
    expect(isLosses(-60, 500, 0)).toBe(true);
    expect(isLosses(60, 500, 0)).toBe(false);
    expect(isLosses(null, 500, 0)).toBe(false);
  });
});
