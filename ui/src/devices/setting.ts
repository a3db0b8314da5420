// What a setting takes, and how the form shows it.
import type { Allowed } from '../api/types';

/** Which source comes first is changed daily by some, and harms nothing. Everything else asks first. */
const HARMLESS = ['output_priority', 'charger_priority'];

export function asksFirst(setting: string): boolean {
  return !HARMLESS.includes(setting);
}

/** The values to choose from; null where any number within limits will do. */
export function choices(allowed: Allowed): string[] | null {
  if ('states' in allowed) return allowed.states;
  if ('numbers' in allowed) return allowed.numbers.map(String);
  return null;
}

/** As the API wants it: a state as text, a number as a number. */
export function wish(allowed: Allowed, text: string): string | number {
  return 'states' in allowed ? text : Number(text);
}

/** Whether two texts stand for one value: "54" and "54.0" do. */
export function isSame(allowed: Allowed, one: string, other: string): boolean {
  if (one === '' || other === '') return one === other;
  return wish(allowed, one) === wish(allowed, other);
}

/** Places behind the point that tell the step's multiples apart. */
export function stepDecimals(step: number): number {
  return Math.min(6, String(step).split('.')[1]?.length ?? 0);
}
