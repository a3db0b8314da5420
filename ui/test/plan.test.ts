import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ticks } from '../src/chart/ticks';
import { civil } from '../src/format/time';
import { viewOf } from '../src/header/view';
import { LANGUAGES } from '../src/i18n/choose';
import { amount, price } from '../src/plan/currency';
import { apart, areaPath, bandPath, colourBands, extent, linePath, marks, scale, stepPath } from '../src/plan/curves';
import { runs } from '../src/plan/runs';
import { months, moved } from '../src/plan/season';
import { atRest, less, restOfToday, total } from '../src/plan/sums';
import type { MoneyRow, Plan, PlanSlot, TempoDay } from '../src/plan/types';

const PARIS = 'Europe/Paris';
const QUARTER = 15 * 60_000;
const same = (value: number): number => value;

/** Slots of a quarter each from `from` on; what is given replaces. */
function slots(from: string, ...given: Partial<PlanSlot & { battery: number; mode: string; why: string }>[]): PlanSlot[] {
  return given.map(({ battery = 0, mode = 'auto', why = 'follow', ...other }, index) => {
    const start = Date.parse(from) + index * QUARTER;
    return {
      start: new Date(start).toISOString(),
      end: new Date(start + QUARTER).toISOString(),
      grid_w: 0,
      pv_w: 0,
      load_w: 400,
      battery_w: [battery],
      soc_wh: [1_000],
      soc_pct: [50 + index],
      modes: [mode],
      import_price: 0.2,
      export_price: 0.05,
      estimated: false,
      worth: null,
      cost: 0.01,
      code: why,
      reason: why,
      steps: [{ device: 'a', mode, code: why, reason: `because ${why}`, by_hand_until: null }],
      ...other,
    };
  });
}

const plan = (slots: PlanSlot[]): Plan => ({ slots }) as Plan;

describe('runs', () => {
  const NOON = '2026-11-21T12:00:00Z';

  test('slots of one mode are one run, whatever their power', () => {
    const found = runs(
      plan(slots(NOON, { mode: 'charge 800 W', battery: -800 }, { mode: 'charge 400 W', battery: -400, estimated: true }, { mode: 'hold' })),
      0,
      0,
    );
    expect(found.map(({ mode }) => mode)).toEqual(['charge', 'hold']);
    expect(found[0]).toMatchObject({ power: { mean: -600, low: -800, high: -400 }, socPct: 51, isEstimated: true });
    expect(found[0]!.toMs - found[0]!.fromMs).toBe(2 * QUARTER);
    expect(found[1]).toMatchObject({ isEstimated: false, socPct: 52 });
  });

  test('each reason is told once', () => {
    const [run] = runs(plan(slots(NOON, { why: 'a' }, { why: 'b' }, { why: 'a' })), 0, 0);
    expect(run?.reasons).toEqual(['because a', 'because b']);
  });

  test('a reason that lasts begins another run, one that comes and goes does not', () => {
    const many = (count: number, why: string) => Array.from({ length: count }, () => ({ why }));
    const lengths = (...given: { why: string }[]) => runs(plan(slots(NOON, ...given)), 0, 0).map(({ slots }) => slots.length);
    expect(lengths(...many(4, 'a'), ...many(4, 'b'))).toEqual([4, 4]);
    expect(lengths(...many(4, 'a'), ...many(3, 'b'), ...many(4, 'a'))).toEqual([11]);
    expect(lengths(...many(3, 'a'), ...many(8, 'b'))).toEqual([11]);
  });

  test('a slot without length, or without times, is none', () => {
    const [first, second] = slots(NOON, {}, { mode: 'hold' }) as [PlanSlot, PlanSlot];
    const none = [{ ...second, end: second.start }, { ...second, start: '' }, { ...second, end: '' }];
    expect(runs(plan([first, ...none]), 0, 0).map(({ slots }) => slots.length)).toEqual([1]);
  });

  test('a gap and what is asked by hand begin another run', () => {
    const gap = [...slots(NOON, {}), ...slots('2026-11-21T13:00:00Z', {})];
    expect(runs(plan(gap), 0, 0)).toHaveLength(2);
    const [first, second] = slots(NOON, {}, {});
    first!.steps[0]!.by_hand_until = '2026-11-21T12:15:00Z';
    expect(runs(plan([first!, second!]), 0, 0).map(({ byHandUntil }) => byHandUntil)).toEqual(['2026-11-21T12:15:00Z', null]);
  });

  test('slots that lie over each other count once', () => {
    const list = slots(NOON, {}, { mode: 'hold' });
    const found = runs(plan([list[0]!, list[0]!, list[1]!, list[0]!, list[1]!]), 0, 0);
    expect(found.map(({ mode, slots }) => [mode, slots.length])).toEqual([['auto', 1], ['hold', 1]]);
  });

  test('what is over is left out, and an unknown power stays unknown', () => {
    const [run, ...rest] = runs(plan(slots(NOON, {}, { battery_w: [null] })), 0, Date.parse('2026-11-21T12:15:00Z'));
    expect(rest).toEqual([]);
    expect(run).toMatchObject({ fromMs: Date.parse('2026-11-21T12:15:00Z'), power: null });
  });

  test('slots of different lengths weigh by their time', () => {
    const [short, long] = slots(NOON, { battery: 1_000 }, { battery: 0 });
    long!.end = '2026-11-21T13:00:00Z';
    expect(runs(plan([short!, long!]), 0, 0)[0]?.power?.mean).toBe(250);
  });
});

describe('sums', () => {
  test('the rest of today ends at the site’s midnight, and the running slot counts for its rest', () => {
    // 23:30 in Paris on the 21st: two slots are today's, one of them half over.
    const list = slots('2026-11-21T22:30:00Z', { cost: 0.1 }, { cost: 0.2 }, { cost: 0.4 });
    expect(restOfToday(list, Date.parse('2026-11-21T22:37:30Z'), PARIS)).toBeCloseTo(0.25);
    expect(restOfToday(list, Date.parse('2026-11-21T23:10:00Z'), PARIS)).toBeCloseTo(0.4 / 3);
    expect(restOfToday([], 0, PARIS)).toBeNull();
    expect(restOfToday(slots('2026-11-21T22:30:00Z', { cost: null }), Date.parse('2026-11-21T22:30:00Z'), PARIS)).toBeNull();
  });

  test.each([
    ['2026-03-28T23:00:00Z', 23],
    ['2026-10-24T22:00:00Z', 25],
  ])('the day that begins at %s has %i hours', (midnight, hours) => {
    const list = slots(midnight, ...Array.from({ length: 26 * 4 }, () => ({ cost: 1 })));
    expect(restOfToday(list, Date.parse(midnight), PARIS)).toBe(hours * 4);
  });

  test('what doing nothing would cost', () => {
    const [slot] = slots('2026-11-21T12:00:00Z', { load_w: 1_000, pv_w: 200 });
    expect(atRest(slot!)).toMatchObject({ gridW: 800, cost: expect.closeTo(0.04) });
    expect(atRest({ ...slot!, pv_w: 3_000 })?.cost).toBeCloseTo(-0.025);
    expect(atRest({ ...slot!, load_w: null })).toBeNull();
    expect(atRest({ ...slot!, import_price: null })).toBeNull();
  });

  test('sums leave out what is not known, and say how much that is', () => {
    const row = (cost: number | null, none: number | null, unknown: number): MoneyRow => ({
      from: '2026-11-01',
      import_kwh: 1,
      export_kwh: 0,
      cost,
      self_consumption_cost: null,
      no_battery_cost: none,
      unknown_h: unknown,
    });
    expect(total([row(1, 3, 0), row(2, null, 4), row(null, 9, 1)])).toEqual({
      cost: 3,
      savedOnNoBattery: 2,
      savedOnSelfConsumption: null,
      importKwh: 3,
      exportKwh: 0,
      unknownH: 5,
    });
    expect(less(null, 1)).toBeNull();
  });
});

describe('curves', () => {
  const at = (from: number, value: number | null) => ({ from, to: from + 10, value });

  test('steps touch, and a gap breaks them', () => {
    expect(stepPath([at(0, 1), at(10, 2), at(30, 3), at(40, null), at(50, 4)], same, same)).toBe('M0 1H10V2H20M30 3H40M50 4H60');
  });

  test('bands and areas leave out what is not known', () => {
    expect(bandPath([{ from: 0, to: 10, low: 1, high: 2 }, { from: 10, to: 20, low: null, high: 3 }], same, same)).toBe('M0 2H10V1H0Z');
    expect(areaPath([at(0, 5), at(10, null)], 0, same, same)).toBe('M0 5H10V0H0Z');
  });

  test('a line breaks where nothing is known', () => {
    expect(linePath([[0, 1], [1, 2], [2, null], [3, 4]], same, same)).toBe('M0 1L1 2M3 4');
  });

  test('guessed and known stretches are lines of their own', () => {
    const both = [{ ...at(0, 1), estimated: false }, { ...at(10, 2), estimated: true }];
    expect(apart(both, false).map(({ value }) => value)).toEqual([1, null]);
    expect(apart(both, true).map(({ value }) => value)).toEqual([null, 2]);
  });

  test.each([
    [[0, 0.706], 4, [0, 0.25, 0.5]],
    [[-0.05, 0.3], 4, [0, 0.2]],
    [[-2_400, 3_900], 6, [-2_000, 0, 2_000]],
    [[0, 0], 4, [0]],
  ] as const)('marks of %j', ([low, high], most, expected) => {
    expect(marks([low, high], most)).toEqual(expected);
  });

  test('zero is always in view, and what is no number is passed over', () => {
    expect(extent([5, null, NaN, Infinity, undefined])).toEqual([0, 5]);
    expect(extent([-3])).toEqual([-3, 0]);
    expect(extent([], 500)).toEqual([0, 500]);
    expect(scale([1, 1], [0, 10])(1)).toBe(5);
  });

  test('days of one colour are one band, however long the day is', () => {
    // The tariff day of 24 October 2026 has 25 hours.
    const begin = Date.parse('2026-10-24T04:00:00Z');
    const list = Array.from({ length: 27 }, (_, hour) => ({
      start: new Date(begin + hour * 3_600_000).toISOString(),
      end: new Date(begin + (hour + 1) * 3_600_000).toISOString(),
      colour: hour < 25 ? ('red' as const) : null,
    }));
    const bands = colourBands(list);
    expect(bands.map(({ colour, fromMs, toMs }) => [colour, (toMs - fromMs) / 3_600_000])).toEqual([['red', 25], [null, 2]]);
    expect(bands.map(({ fromMs }) => civil(fromMs, PARIS).hour)).toEqual([6, 6]);
    expect(ticks(begin, begin + 27 * 3_600_000, PARIS, 6).map((ms) => civil(ms, PARIS).hour)).toEqual([6, 12, 18, 0, 6]);
  });
});

describe('season', () => {
  const day = (date: string): TempoDay => ({ date, colour: 'red', provisional: false, disputed: false, by_hand: false, voices: [], odds: null });

  test('twelve months with all their days', () => {
    const rows = months('2027-09-01', [day('2028-02-29')]);
    expect(rows.map(({ cells }) => cells.length)).toEqual([30, 31, 30, 31, 31, 29, 31, 30, 31, 30, 31, 31]);
    expect(rows[5]?.cells[28]).toMatchObject({ date: '2028-02-29', number: 29, day: { colour: 'red' } });
    expect(months('2026-09-01', []).flatMap(({ cells }) => cells)).toHaveLength(365);
  });

  test.each([
    ['2026-11-21', 'ArrowLeft', '2026-11-20'],
    ['2026-11-30', 'ArrowRight', '2026-12-01'],
    ['2026-10-31', 'ArrowDown', '2026-11-30'],
    ['2027-01-31', 'ArrowDown', '2027-02-28'],
    ['2027-01-15', 'ArrowUp', '2026-12-15'],
    ['2026-09-01', 'ArrowLeft', '2026-09-01'],
    ['2027-08-31', 'ArrowRight', '2027-08-31'],
    ['2026-11-21', 'Home', '2026-09-01'],
    ['2026-11-21', 'End', '2027-08-31'],
    ['2026-11-21', 'x', '2026-11-21'],
  ])('from %s, %s leads to %s', (date, key, expected) => {
    expect(moved(date, key, '2026-09-01')).toBe(expected);
  });
});

test('money is written as people of the language write it', () => {
  expect(amount(1.484, 'EUR', 'en')).toBe('€1.48');
  expect(amount(1.484, 'EUR', 'fr')).toBe('1,48\u00a0€');
  expect(amount(-0.001, 'EUR', 'en')).toBe('€0.00');
  expect(price(0.1612, 'EUR', 'en')).toBe('€0.161/kWh');
  expect(amount(1, 'no currency', 'en')).toBe('1.00');
});

test.each([
  ['', 'plan', 'now'],
  ['#plan', 'now', 'plan'],
  ['#now', 'plan', 'now'],
  ['#main', 'plan', 'plan'],
] as const)('the address %j after %s shows %s', (hash, before, view) => {
  expect(viewOf(hash, before)).toBe(view);
});

describe('texts', () => {
  const folder = join(import.meta.dirname, '..', 'src', 'plan');
  const dictionary = (language: string): Record<string, string> => JSON.parse(readFileSync(join(folder, 'i18n', `${language}.json`), 'utf8')) as Record<string, string>;
  const english = dictionary('en');
  const holes = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([hole]) => hole).sort();

  test.each(LANGUAGES)('%s has the keys and the placeholders of English', (language) => {
    const own = dictionary(language);
    expect(Object.keys(own)).toEqual(Object.keys(english));
    for (const [key, text] of Object.entries(own)) {
      expect(text.trim(), key).not.toBe('');
      expect(holes(text), key).toEqual(holes(english[key] ?? ''));
    }
  });

  test('every key is used', () => {
    const code = readdirSync(folder).filter((name) => /\.(svelte|ts)$/.test(name)).map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
    const made = ['head.off', 'head.advise', 'head.act', 'origin.', 'colour.', 'money.by_', 'money.day', 'money.month', 'source.'];
    expect(Object.keys(english).filter((key) => !code.includes(`'${key}'`) && !made.some((prefix) => key.startsWith(prefix)))).toEqual([]);
  });
});
