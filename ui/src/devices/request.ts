// Turns the control form into the request that the API wants.
import type { ModeRequest } from '../api/types';

export interface Form {
  /** As the device lists it: "charge", "native:ai". */
  mode: string;
  powerW: number | null;
  untilPct: number | null;
  forS: number;
}

const NATIVE = 'native:';

export function takesPower(mode: string): boolean {
  return mode === 'charge' || mode === 'discharge';
}

export function takesSoc(mode: string): boolean {
  return mode === 'charge';
}

/** Only these end by themselves: the battery's own timer runs for them. */
export function takesDuration(mode: string): boolean {
  return takesPower(mode);
}

export function isNative(mode: string): boolean {
  return mode.startsWith(NATIVE);
}

export function nativeName(mode: string): string {
  return mode.slice(NATIVE.length);
}

/** Only what the mode takes is sent: a power left over in the form from another mode is not. */
export function request({ mode, powerW, untilPct, forS }: Form): ModeRequest {
  return {
    ...(isNative(mode) ? { mode: 'native', native: nativeName(mode) } : { mode }),
    ...(takesPower(mode) && powerW !== null ? { power_w: powerW } : {}),
    ...(takesSoc(mode) && untilPct !== null ? { until_soc_pct: untilPct } : {}),
    ...(takesDuration(mode) ? { for_s: forS } : {}),
  };
}

/** How an outcome is to be taken: done, done but unproven, only tried, or not done. */
export function mood(outcome: string): 'good' | 'doubtful' | 'dry' | 'bad' {
  if (outcome === 'confirmed' || outcome === 'unchanged') return 'good';
  if (outcome === 'accepted_unmeasured') return 'doubtful';
  if (outcome === 'dry_run') return 'dry';
  return 'bad';
}

/** A ledger's free field as one line of text; empty when there is nothing. */
export function plain(field: unknown): string {
  if (field === null || field === undefined || field === '') return '';
  return typeof field === 'string' ? field : JSON.stringify(field);
}
