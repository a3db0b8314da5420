import { expect, test } from 'vitest';
import { dayNames, hours } from '../src/control/windows';

test.each([
  [0b000_0001, 'en', ['Mon']],
  [0b001_1111, 'en', ['Mon–Fri']],
  [0b011_1111, 'de', ['Mo–Fr', 'Sa']],
  [0b110_0000, 'fr', ['sam.', 'dim.']],
  [0b001_0101, 'nl', ['ma', 'wo', 'vr']],
  [0, 'en', []],
])('%i in %s', (mask, language, names) => {
  expect(dayNames(mask, language)).toEqual(names);
});

test('seconds are shown where there are any', () => {
  expect(hours({ start_time: '22:00:00', end_time: '06:30:00' })).toBe('22:00–06:30');
  expect(hours({ start_time: '22:00:15', end_time: '00:00:00' })).toBe('22:00:15–00:00');
});
