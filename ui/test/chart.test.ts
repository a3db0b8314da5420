import { describe, expect, test } from 'vitest';
import { align, extended } from '../src/chart/align';
import { powerLabels, powerRange } from '../src/chart/plot';
import { tickLabel, ticks } from '../src/chart/ticks';
import { civil } from '../src/format/time';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const PARIS = 'Europe/Paris';

describe('align', () => {
  test('one axis for curves with different times; a foreign time does not break a line', () => {
    const { times, tracks } = align([
      { points: [[0, 1], [60_000, 2]], stepMs: null },
      { points: [[30_000, 5]], stepMs: null },
    ]);
    expect(times).toEqual([0, 30, 60]);
    expect(tracks[0]?.mean).toEqual([1, undefined, 2]);
    expect(tracks[1]?.mean).toEqual([undefined, 5, undefined]);
  });

  test('a gap stays a gap', () => {
    const { times, tracks } = align([{ points: [[0, 1], [5 * MINUTE, 2], [20 * MINUTE, 3]], stepMs: 5 * MINUTE }]);
    expect(times).toEqual([0, 300, 300.001, 1200]);
    expect(tracks[0]?.mean).toEqual([1, 2, null, 3]);
  });

  test('one short step without a point is not a gap', () => {
    const track = { points: [[0, 1], [2 * MINUTE, 2]] as [number, number][], stepMs: MINUTE };
    expect(align([track]).tracks[0]?.mean).toEqual([1, 2]);
  });

  test('smallest and largest make the band', () => {
    const track = { points: [[0, [1, 2, 9]]] as [number, [number, number, number]][], stepMs: 5 * MINUTE };
    expect(align([track]).tracks[0]).toEqual({ min: [1], mean: [2], max: [9] });
  });

  test('points out of order or twice are dropped: uPlot would draw nonsense', () => {
    expect(align([{ points: [[10, 1], [10, 2], [5, 3], [20, 4]], stepMs: null }]).tracks[0]?.mean).toEqual([1, 4]);
  });

  test('live points go on where the history ends', () => {
    const track = { points: [[100, 1]] as [number, number][], stepMs: null };
    expect(extended(track, [[50, 7], [100, 8], [150, 9]]).points).toEqual([[100, 1], [150, 9]]);
  });
});

describe('ticks', () => {
  const hours = (marks: number[], zone: string) => marks.map((ms) => civil(ms, zone).hour);

  test('are full hours of the site’s clock', () => {
    const from = Date.parse('2026-11-20T12:34:00Z');
    expect(hours(ticks(from, from + 24 * HOUR, PARIS, 8), PARIS)).toEqual([15, 18, 21, 0, 3, 6, 9, 12]);
    expect(hours(ticks(from, from + 6 * HOUR, 'Asia/Kathmandu', 8), 'Asia/Kathmandu')).toEqual([19, 20, 21, 22, 23, 0]);
  });

  test.each([
    ['spring', '2026-03-28T12:00:00Z', [15, 18, 21, 0, 3, 6, 9, 12]],
    ['autumn', '2026-10-24T11:30:00Z', [15, 18, 21, 0, 3, 6, 9, 12]],
  ])('stay at full steps when the clocks change in %s', (_, start, expected) => {
    const from = Date.parse(start);
    expect(hours(ticks(from, from + 24.5 * HOUR, PARIS, 9), PARIS)).toEqual(expected);
  });

  test('a week has one mark a day, at midnight', () => {
    const from = Date.parse('2026-10-22T10:00:00Z');
    const marks = ticks(from, from + 7 * 24 * HOUR, PARIS, 10);
    expect(hours(marks, PARIS)).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect(marks.map((ms) => tickLabel(ms, PARIS, 'en'))[0]).toBe('Fri 23 Oct');
  });

  test('never more than asked for', () => {
    for (const most of [3, 4, 6, 10]) {
      expect(ticks(0, 24 * HOUR, PARIS, most).length).toBeLessThanOrEqual(most + 1);
    }
  });
});

test('the power axis always has zero and room', () => {
  expect(powerRange(null, null)).toEqual([0, 500]);
  expect(powerRange(100, 200)[0]).toBe(0);
  expect(powerRange(-1000, -500)[0]).toBeLessThan(-1000);
  expect(powerRange(-1000, -500)[1]).toBeGreaterThanOrEqual(0);
});

test('one unit for the whole power axis', () => {
  expect(powerLabels([0, 500], 'en')).toEqual(['0\u00a0W', '500\u00a0W']);
  expect(powerLabels([0, 500, 1000], 'en')).toEqual(['0.0\u00a0kW', '0.5\u00a0kW', '1.0\u00a0kW']);
  expect(powerLabels([-1000, 0, 2000], 'en')).toEqual(['-1\u00a0kW', '0\u00a0kW', '2\u00a0kW']);
});
