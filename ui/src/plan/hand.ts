// What was asked by hand as a run shows it, and how just that is taken back: what counts now is released, what was asked for a
// time to come goes by its number. The plan, the list and the device's state arrive one by one and may contradict each other for
// a while; then nothing is taken back.
import type { Control } from '../api/types';
import { modeKey, type Run } from './runs';
import type { PlanOverride } from './types';

/** What is known at present; null where it is not, which is not the same as nothing. */
export interface Known {
  /** What was asked for a time to come, for whatever device. */
  asked: PlanOverride[] | null;
  /** What is wanted of the device now. */
  control: Control | null;
}

export interface Hand {
  /** Whether the run shows it too, does not yet, or still shows what is no longer asked. */
  says: 'as_shown' | 'newer' | 'gone';
  /** "charge 800 W until 90 %" */
  wish: string;
  untilMs: number;
  /** Its number, or what releases the device; `unknown` where it cannot be told what that would end; null where there is nothing to take back here. */
  back: 'release' | 'unknown' | number | null;
}

const MINUTE_MS = 60_000;
/** A click and the page's clock are late by so much at the most. */
const LATE_MS = 5_000;
/** These go before what was asked by hand, which may count nevertheless. */
const STRONGER = ['safety', 'limiter'];

/** Whether it has begun, or begins within the present minute, for what is planned begins at any second. */
export function isBegun(fromMs: number, nowMs: number): boolean {
  return Math.floor(fromMs / MINUTE_MS) <= Math.floor(nowMs / MINUTE_MS);
}

/** Whether it is too late to ask for it as for a time to come. */
export function isForNow(fromMs: number, nowMs: number): boolean {
  return isBegun(fromMs, nowMs + LATE_MS);
}

/** What was asked by hand for a run of a device; null where nothing was. */
export function handOf(run: Run, device: string, isNow: boolean, { asked, control }: Known): Hand | null {
  const mine = asked?.filter((one) => one.device === device) ?? null;
  if (isNow && isByHand(control)) return countingNow(run, mine, control);
  const shownMs = run.byHandUntil === null ? NaN : Date.parse(run.byHandUntil);
  const shown = mine?.find((one) => Date.parse(one.to) === shownMs && modeKey(one.mode) === run.mode && isWithin(run.slots[0], one));
  if (shown) return { says: 'as_shown', wish: shown.mode, untilMs: shownMs, back: shown.id };
  const newer = mine?.find((one) => run.slots.every((slot) => isWithin(slot, one)));
  if (newer) return { says: 'newer', wish: newer.mode, untilMs: Date.parse(newer.to), back: newer.id };
  if (run.byHandUntil === null) return null;
  return { wish: run.mode, untilMs: shownMs, ...unmatched(shownMs, isNow, { asked, control }) };
}

/** Of what counts now the device's own state is the last word, not a plan that was made before. */
function countingNow(run: Run, mine: PlanOverride[] | null, { wants, ends }: Counting): Hand {
  const untilMs = Date.parse(ends);
  const isShown = run.byHandUntil !== null && Date.parse(run.byHandUntil) === untilMs && modeKey(wants) === run.mode;
  const planned = mine?.find((one) => Date.parse(one.to) === untilMs && modeKey(one.mode) === modeKey(wants));
  const back = mine === null ? 'unknown' : (planned?.id ?? 'release');
  return { says: isShown ? 'as_shown' : 'newer', wish: wants, untilMs, back };
}

/** The run shows what is in no list. */
function unmatched(shownMs: number, isNow: boolean, { asked, control }: Known): Pick<Hand, 'says' | 'back'> {
  if (asked === null || control === null) return { says: 'as_shown', back: 'unknown' };
  // A later part of what counts now: it is taken back where it counts.
  if (isByHand(control) && Date.parse(control.ends) === shownMs) return { says: 'as_shown', back: null };
  if (isNow && STRONGER.includes(control.by ?? '')) return { says: 'as_shown', back: 'unknown' };
  return { says: 'gone', back: null };
}

type Counting = Control & { wants: string; ends: string };

function isByHand(control: Control | null): control is Counting {
  return control?.by === 'override' && control.wants !== null && control.ends !== null;
}

/** A plan heeds in a slot what counts at its middle. */
function isWithin(slot: { start: string; end: string } | undefined, { from, to }: PlanOverride): boolean {
  if (!slot) return false;
  const middle = (Date.parse(slot.start) + Date.parse(slot.end)) / 2;
  return Date.parse(from) <= middle && middle < Date.parse(to);
}
