// What a battery will do, told in stretches: slots that follow each other in one mode are one run, as long as no other reason
// holds for an hour.
import type { Plan, PlanSlot } from './types';

export interface Run {
  fromMs: number;
  toMs: number;
  /** The mode's key: "charge", "hold", "native:ai". */
  mode: string;
  /** The mean power over its time, and the least and the most of a slot; null where a slot has none. */
  power: { mean: number; low: number; high: number } | null;
  /** At its end. */
  socPct: number | null;
  /** Why, each reason once, in the order in which they come. */
  reasons: string[];
  /** Until when counts what somebody asked by hand. */
  byHandUntil: string | null;
  /** Whether a price in it is a guess. */
  isEstimated: boolean;
  /** Its slots. */
  slots: PlanSlot[];
}

/** "charge 800 W until 90 %" without its parameters. */
export function modeKey(mode: string): string {
  return mode.split(' ')[0] ?? mode;
}

/** A reason that holds for so long is worth a run of its own. */
const LASTING_MS = 3_600_000;
/** Slots that are looked at to see that; none is shorter than a minute. */
const MOST = 60;

/** The runs of one battery that have not ended yet, in order. */
export function runs(plan: Plan, battery: number, nowMs: number): Run[] {
  const found: Run[] = [];
  // What does not end after it begins is nonsense, too.
  const slots = plan.slots.filter(({ start, end }) => Date.parse(end) > Math.max(nowMs, Date.parse(start)));
  for (const [index, slot] of slots.entries()) {
    const last = found.at(-1);
    // A slot that begins before the one before it has ended is nonsense.
    if (last && Date.parse(slot.start) < last.toMs) continue;
    if (last && goesOn(last, slot, battery) && !isNewReason(last, slots.slice(index, index + MOST), battery)) {
      last.slots.push(slot);
      last.toMs = Date.parse(slot.end);
    } else {
      found.push(begun(slot, battery));
    }
  }
  return found.map((run) => summed(run, battery));
}

function goesOn(run: Run, slot: PlanSlot, battery: number): boolean {
  const isNext = Date.parse(slot.start) === run.toMs;
  const isByHand = (slot.steps[battery]?.by_hand_until ?? null) === run.byHandUntil;
  return isNext && isByHand && modeKey(slot.modes[battery] ?? '') === run.mode;
}

/** Whether with the first of `next` another reason than that of the run's beginning begins, and both last. */
function isNewReason(run: Run, next: PlanSlot[], battery: number): boolean {
  const code = (slot: PlanSlot | undefined): string | undefined => slot?.steps[battery]?.code;
  const last = next.findIndex((slot) => code(slot) !== code(next[0]));
  const same = last < 0 ? next : next.slice(0, last);
  const lastsMs = Date.parse(same.at(-1)?.end ?? '') - Date.parse(same[0]?.start ?? '');
  const isOther = code(run.slots.at(-1)) !== code(next[0]) && code(run.slots[0]) !== code(next[0]);
  return isOther && lastsMs >= LASTING_MS && run.toMs - run.fromMs >= LASTING_MS;
}

function begun(slot: PlanSlot, battery: number): Run {
  return {
    fromMs: Date.parse(slot.start),
    toMs: Date.parse(slot.end),
    mode: modeKey(slot.modes[battery] ?? ''),
    power: null,
    socPct: null,
    reasons: [],
    byHandUntil: slot.steps[battery]?.by_hand_until ?? null,
    isEstimated: false,
    slots: [slot],
  };
}

function summed(run: Run, battery: number): Run {
  const codes = new Map<string, string>();
  for (const { steps } of run.slots) {
    const step = steps[battery];
    if (step && !codes.has(step.code)) codes.set(step.code, step.reason);
  }
  return {
    ...run,
    power: powerOf(run.slots, battery),
    socPct: run.slots.at(-1)?.soc_pct[battery] ?? null,
    reasons: [...new Set(codes.values())],
    isEstimated: run.slots.some(({ estimated }) => estimated),
  };
}

function powerOf(slots: PlanSlot[], battery: number): Run['power'] {
  let [energy, hours, low, high] = [0, 0, Infinity, -Infinity];
  for (const slot of slots) {
    const power = slot.battery_w[battery];
    if (power == null) return null;
    energy += power * lengthH(slot);
    hours += lengthH(slot);
    low = Math.min(low, power);
    high = Math.max(high, power);
  }
  return hours > 0 ? { mean: energy / hours, low, high } : null;
}

/** How long a slot lasts, in hours. */
export function lengthH({ start, end }: { start: string; end: string }): number {
  return (Date.parse(end) - Date.parse(start)) / 3_600_000;
}
