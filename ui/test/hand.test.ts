import { describe, expect, test } from 'vitest';
import type { Control } from '../src/api/types';
import { handOf, isBegun, isForNow } from '../src/plan/hand';
import { modeKey, type Run } from '../src/plan/runs';
import type { PlanOverride, PlanSlot } from '../src/plan/types';

const DAY = '2026-11-21T';
const ms = (clock: string): number => Date.parse(`${DAY}${clock}Z`);
const iso = (clock: string): string => new Date(ms(clock)).toISOString();

/** A run in quarters; `until` is the end of what its plan was made around. */
function run(from: string, to: string, mode = 'hold', until: string | null = null): Run {
  const slots: Pick<PlanSlot, 'start' | 'end'>[] = [];
  for (let start = ms(from); start < ms(to); start = slots.length > 0 ? Date.parse(slots.at(-1)!.end) : start) {
    const end = Math.floor(start / 900_000) * 900_000 + 900_000;
    slots.push({ start: new Date(start).toISOString(), end: new Date(end).toISOString() });
  }
  const byHandUntil = until === null ? null : iso(until);
  return { fromMs: ms(from), toMs: ms(to), mode, power: null, socPct: null, reasons: [], byHandUntil, isEstimated: false, slots: slots as PlanSlot[] };
}

const later = (id: number, mode: string, from: string, to: string, device = 'a'): PlanOverride => ({ id, device, mode, from: iso(from), to: iso(to), asked_by: 'rest' });
const wants = (by: string | null, mode: string | null = null, ends: string | null = null): Control => ({
  wants: mode,
  by,
  phase: 'confirmed',
  code: '',
  reason: '',
  ends: ends === null ? null : iso(ends),
});
const PLAN = wants('plan', 'hold');
const NOW = true;
const TO_COME = false;

describe('what was asked by hand is taken back as', () => {
  test.each<[string, Run, boolean, PlanOverride[] | null, Control | null, ReturnType<typeof handOf>]>([
    ['nothing where nothing was', run('17:00', '19:00'), NOW, [], PLAN, null],
    ['nothing where nothing is known, and the run shows nothing', run('17:00', '19:00'), NOW, null, null, null],
    ['its number', run('17:00', '19:00', 'idle', '19:00'), TO_COME, [later(7, 'idle', '17:00', '19:00')], PLAN, { says: 'as_shown', wish: 'idle', untilMs: ms('19:00'), back: 7 }],
    ['its number before the plan shows it', run('17:00', '19:00'), TO_COME, [later(7, 'idle', '17:00', '19:00')], PLAN, { says: 'newer', wish: 'idle', untilMs: ms('19:00'), back: 7 }],
    ['its number when it has begun', run('17:00', '19:00', 'idle', '19:00'), NOW, [later(7, 'idle', '17:00', '19:00')], wants('override', 'idle', '19:00'), { says: 'as_shown', wish: 'idle', untilMs: ms('19:00'), back: 7 }],
    ['its number, whatever figures its mode has', run('17:00', '19:00', 'charge', '19:00'), NOW, [later(7, 'charge 800 W until 90 %', '17:00', '19:00')], wants('override', 'charge 800 W', '19:00'), { says: 'as_shown', wish: 'charge 800 W', untilMs: ms('19:00'), back: 7 }],
    ['what counts now', run('17:00', '19:00', 'charge', '18:00'), NOW, [], wants('override', 'charge', '18:00'), { says: 'as_shown', wish: 'charge', untilMs: ms('18:00'), back: 'release' }],
    ['what counts now before the plan shows it', run('17:00', '19:00'), NOW, [], wants('override', 'charge', '18:00'), { says: 'newer', wish: 'charge', untilMs: ms('18:00'), back: 'release' }],
  ])('%s', (_, run, isNow, asked, control, hand) => {
    expect(handOf(run, 'a', isNow, { asked, control })).toEqual(hand);
  });

  test.each<[string, Run, boolean, PlanOverride[] | null, Control | null]>([
    ['the list could not be read', run('17:00', '19:00', 'idle', '19:00'), TO_COME, null, PLAN],
    ['the list could not be read and something counts now', run('17:00', '19:00', 'idle', '19:00'), NOW, null, wants('override', 'idle', '19:00')],
    ['it is not known what counts now', run('17:00', '19:00', 'idle', '19:00'), NOW, [], null],
    ['something stronger hides what counts', run('17:00', '19:00', 'idle', '19:00'), NOW, [], wants('safety', 'idle')],
  ])('nothing where %s', (_, run, isNow, asked, control) => {
    expect(handOf(run, 'a', isNow, { asked, control })).toMatchObject({ says: expect.not.stringMatching('gone'), back: 'unknown' });
  });

  test.each<[string, Run, boolean, PlanOverride[], Control]>([
    ['a stretch to come was taken back, whatever counts now', run('17:00', '19:00', 'idle', '19:00'), TO_COME, [], wants('override', 'charge', '16:30')],
    ['what counted was released', run('17:00', '19:00', 'charge', '19:00'), NOW, [], PLAN],
    ['nobody wants anything of the battery', run('17:00', '19:00', 'charge', '19:00'), NOW, [], wants(null)],
    ['only another battery is asked', run('17:00', '19:00', 'idle', '19:00'), TO_COME, [later(7, 'idle', '17:00', '19:00', 'b')], PLAN],
  ])('nothing more where %s', (_, run, isNow, asked, control) => {
    expect(handOf(run, 'a', isNow, { asked, control })).toMatchObject({ says: 'gone', back: null });
  });

  // Both end with the run, which is not always told to the millisecond.
  test.each(['19:00', '19:00:00.350'])('of a stretch ahead and of what was asked within it until %s, what counts', (end) => {
    const asked = [later(7, 'idle', '17:00', '19:00')];
    const control = wants('override', 'charge', end);
    // Before the plan is made anew, and after.
    expect(handOf(run('17:00', '19:00', 'idle', '19:00'), 'a', NOW, { asked, control })).toMatchObject({ says: 'newer', wish: 'charge', back: 'release' });
    expect(handOf(run('17:30', '19:00', 'charge', end), 'a', NOW, { asked, control })).toMatchObject({ says: 'as_shown', back: 'release' });
  });

  test('a later part of what counts now is not taken back by itself', () => {
    expect(handOf(run('20:00', '21:00', 'idle', '22:00'), 'a', TO_COME, { asked: [], control: wants('override', 'idle', '22:00') })).toMatchObject({ says: 'as_shown', back: null });
  });

  test('a stretch that touches a run, or a part of it, is not the run’s', () => {
    const asked = [later(7, 'idle', '18:10', '19:00')];
    expect(handOf(run('17:00', '18:15'), 'a', TO_COME, { asked, control: PLAN })).toBe(null);
    expect(handOf(run('17:00', '19:00'), 'a', TO_COME, { asked, control: PLAN })).toBe(null);
    expect(handOf(run('18:15', '19:00'), 'a', TO_COME, { asked, control: PLAN })).toMatchObject({ back: 7 });
    // Of a slot its middle counts, as for the plan.
    expect(handOf(run('18:00', '18:15'), 'a', TO_COME, { asked, control: PLAN })).toBe(null);
    expect(handOf(run('18:00', '18:15'), 'a', TO_COME, { asked: [later(7, 'idle', '18:05', '19:00')], control: PLAN })).toMatchObject({ back: 7 });
    // Two that follow each other: each run shows its own.
    const two = [later(7, 'idle', '17:00', '18:00'), later(8, 'idle', '18:00', '19:00')];
    expect(handOf(run('18:00', '19:00', 'idle', '19:00'), 'a', TO_COME, { asked: two, control: PLAN })).toMatchObject({ back: 8 });
  });

  test('what took the place of what the run shows', () => {
    const asked = [later(8, 'charge', '17:00', '19:00')];
    expect(handOf(run('17:00', '19:00', 'idle', '19:00'), 'a', TO_COME, { asked, control: PLAN })).toMatchObject({ says: 'newer', wish: 'charge', back: 8 });
  });
});

test.each([
  ['17:00:00', '17:00:00', true, true],
  ['16:12:37', '16:12:50', true, true],
  // Planned by a clock that is a little ahead of the page's.
  ['16:12:37', '16:12:20', true, true],
  ['17:00:00', '16:59:59', false, true],
  ['17:00:00', '16:59:54', false, false],
  ['17:00:00', '16:12:37', false, false],
])('what begins at %s is at %s now: %s, asked for now: %s', (from, now, begun, forNow) => {
  expect([isBegun(ms(from), ms(now)), isForNow(ms(from), ms(now))]).toEqual([begun, forNow]);
});

test('a mode’s key is its first word', () => {
  expect(['charge 800 W until 90 %', 'native:ai', ''].map(modeKey)).toEqual(['charge', 'native:ai', '']);
});
