// A window of the schedule in words.
import type { ScheduleWindow } from '../api/types';

/** 2 November 2026 is a Monday. */
const MONDAY = Date.UTC(2026, 10, 2);
const DAY_MS = 86_400_000;
const WEEKDAYS = 0b1_1111;

/** The short names of the days of a mask, Monday first; Monday to Friday as one. */
export function dayNames(mask: number, language: string): string[] {
  const format = new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, { weekday: 'short', timeZone: 'UTC' });
  const name = (bit: number): string => format.format(MONDAY + bit * DAY_MS);
  const rest = [0, 1, 2, 3, 4, 5, 6].filter((bit) => mask & (1 << bit));
  if ((mask & WEEKDAYS) !== WEEKDAYS) return rest.map(name);
  return [`${name(0)}–${name(4)}`, ...rest.filter((bit) => bit > 4).map(name)];
}

/** "22:00–06:00"; seconds only where there are any. */
export function hours({ start_time, end_time }: Pick<ScheduleWindow, 'start_time' | 'end_time'>): string {
  const short = (time: string): string => (time.endsWith(':00') ? time.slice(0, 5) : time);
  return `${short(start_time)}–${short(end_time)}`;
}
