import { expect, test } from 'vitest';
import { ageMs, inWords, isStale } from '../src/format/age';
import { civil, clock, isZone, moment, zoneName } from '../src/format/time';

const PARIS = 'Europe/Paris';
const NOON_UTC = Date.parse('2026-11-21T12:00:00Z');

test('the clock is the site’s, with 24 hours in every language', () => {
  for (const language of ['en', 'fr', 'nl', 'et', 'de']) {
    expect(clock(NOON_UTC + 6 * 3_600_000, PARIS, language)).toBe('19:00');
    expect(clock(Date.parse('2026-11-20T23:30:00Z'), PARIS, language)).toBe('00:30');
  }
  expect(clock(NOON_UTC, 'America/New_York', 'en', { seconds: true })).toBe('07:00:00');
});

test('civil time follows the change of clocks', () => {
  expect(civil(Date.parse('2026-03-29T00:59:00Z'), PARIS)).toMatchObject({ hour: 1, minute: 59 });
  expect(civil(Date.parse('2026-03-29T01:00:00Z'), PARIS)).toMatchObject({ hour: 3, minute: 0 });
  expect(civil(NOON_UTC, 'Asia/Kathmandu')).toMatchObject({ hour: 17, minute: 45 });
});

test('a moment of another day says the day', () => {
  expect(moment(NOON_UTC, NOON_UTC + 3_600_000, PARIS, 'en')).toBe('13:00');
  expect(moment(NOON_UTC, NOON_UTC + 86_400_000, PARIS, 'en')).toBe('Sat 21 Nov, 13:00');
  // 23:30 and 00:30 in Paris are one UTC day but two of the site's.
  expect(moment(Date.parse('2026-11-21T22:30:00Z'), Date.parse('2026-11-21T23:30:00Z'), PARIS, 'en')).toContain('Sat');
});

test('zones', () => {
  expect(zoneName(NOON_UTC, PARIS, 'en')).toBe('CET');
  expect(isZone(PARIS)).toBe(true);
  expect(isZone('Mars/Olympus')).toBe(false);
});

test('a value ages from the age it came with', () => {
  const aged = { value: { value: 1, age_ms: 800 }, arrivedMs: 10_000 };
  expect(ageMs(aged, 12_000)).toBe(2_800);
  expect(ageMs(aged, 9_000)).toBe(800);
  expect(ageMs({ value: { value: null, age_ms: null }, arrivedMs: 0 }, 12_000)).toBeNull();
});

test('a value is stale when nobody has confirmed it for long, however old it was on arrival', () => {
  const aged = { value: { value: 1, age_ms: 280_000 }, arrivedMs: 1_000 };
  expect(isStale(aged, 91_000)).toBe(false);
  expect(isStale(aged, 91_001)).toBe(true);
});

test.each([
  [0, 0, 's'],
  [12_900, 12, 's'],
  [119_999, 119, 's'],
  [120_000, 2, 'min'],
  [7_200_000, 2, 'h'],
  [172_800_000, 2, 'd'],
  [-5, 0, 's'],
])('%d ms in words', (ms, count, unit) => {
  expect(inWords(ms)).toEqual({ count, unit });
});
