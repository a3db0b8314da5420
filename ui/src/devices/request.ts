// Turns the control form into the request that the API wants.
import type { ModeRequest } from '../api/types';

export interface Form {
  /** As the device lists it: "charge", "native:ai". */
  mode: string;
  powerW: number | null;
  untilPct: number | null;
  /** 0: no time is given. */
  forS: number;
}

const NATIVE = 'native:';

export function takesPower(mode: string): boolean {
  return mode === 'charge' || mode === 'discharge';
}

export function takesSoc(mode: string): boolean {
  return mode === 'charge';
}

/** The usual time of a mode, in seconds; null where that is not known. */
export function usualS(mode: string, times: { power_s: number; mode_s: number } | undefined): number | null {
  return (takesPower(mode) ? times?.power_s : times?.mode_s) ?? null;
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
    ...(forS > 0 ? { for_s: forS } : {}),
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
