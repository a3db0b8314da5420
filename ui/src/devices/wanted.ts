// What control wants of a device, in words: "charge 800 W until 90 %" as the page says it.
import { joined, quantity } from '../format/number';
import { speech } from '../i18n/language.svelte';
import { isNative, nativeName } from './request';

/** A mode as the device lists it. */
export function modeName(id: string): string {
  return isNative(id) ? speech.t('mode.native', { name: nativeName(id) }) : speech.maybe(`mode.${id}`, id);
}

export interface Wish {
  mode: string;
  powerW: number | null;
}

/** The mode and its power; a power in a form that we do not know stays out of the figures. */
export function wish(wants: string): Wish {
  const [, mode = wants, watts] = /^(\S+)(?: (\d+(?:\.\d+)?) W)?/.exec(wants) ?? [];
  return { mode, powerW: watts === undefined ? null : Number(watts) };
}

export function wishInWords(wants: string): string {
  const { mode, powerW } = wish(wants);
  return powerW === null ? modeName(mode) : `${modeName(mode)} ${joined(quantity(powerW, 'W', 0, speech.language))}`;
}

/** With the charge at which it ends: "charge 800 W until 90 %". */
export function wholeWish(wants: string): string {
  const soc = / until (\S+) %$/.exec(wants)?.[1];
  return soc === undefined ? wishInWords(wants) : `${wishInWords(wants)} ${speech.t('control.until', { soc })}`;
}

/** How a phase is to be taken. */
export function phaseMood(phase: string): 'good' | 'doubtful' | 'dry' | 'bad' {
  if (phase === 'confirmed') return 'good';
  if (phase === 'accepted_unmeasured' || phase === 'pending') return 'doubtful';
  if (phase === 'dry_run') return 'dry';
  return 'bad';
}
