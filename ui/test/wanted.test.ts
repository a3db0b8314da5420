import { expect, test } from 'vitest';
import { phaseMood, wish } from '../src/devices/wanted';

test.each([
  ['hold', 'hold', null],
  ['charge 800 W', 'charge', 800],
  ['charge 1234.5 W until 90 %', 'charge', 1_234.5],
  ['charge until 90 %', 'charge', null],
  ['native:ai', 'native:ai', null],
  ['', '', null],
])('%j is read', (wants, mode, powerW) => {
  expect(wish(wants)).toEqual({ mode, powerW });
});

test('only what a meter shows is good', () => {
  expect(phaseMood('confirmed')).toBe('good');
  expect(phaseMood('accepted_unmeasured')).toBe('doubtful');
  expect(phaseMood('dry_run')).toBe('dry');
  expect(phaseMood('foreign')).toBe('bad');
  expect(phaseMood('something new')).toBe('bad');
});
