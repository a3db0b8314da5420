// The days of a Tempo season, laid out by month. Dates only, no zone: a tariff day is a civil date.
import type { TempoDay } from './types';

const DAY_MS = 86_400_000;

export interface Cell {
  /** "2026-11-21" */
  date: string;
  /** 1 to 31. */
  number: number;
  day: TempoDay | null;
}

export interface Month {
  /** Its first day as "2026-11-01". */
  first: string;
  cells: Cell[];
}

/** The months of the season that begins with `season`, with what is known of each day. */
export function months(season: string, days: TempoDay[]): Month[] {
  const known = new Map(days.map((day) => [day.date, day]));
  const found: Month[] = [];
  const end = Date.parse(nextYear(season));
  for (let ms = Date.parse(season); ms < end; ms += DAY_MS) {
    const date = iso(ms);
    const cell = { date, number: Number(date.slice(8)), day: known.get(date) ?? null };
    const last = found.at(-1);
    if (last && last.first.slice(0, 7) === date.slice(0, 7)) last.cells.push(cell);
    else found.push({ first: `${date.slice(0, 7)}-01`, cells: [cell] });
  }
  return found;
}

/** The day that many days later. */
export function plusDays(date: string, days: number): string {
  return iso(Date.parse(date) + days * DAY_MS);
}

/** Where an arrow key leads from `date`: a day or a month on or back; where there is no such day, it stays. */
export function moved(date: string, key: string, season: string): string {
  const by: Record<string, () => string> = {
    ArrowLeft: () => plusDays(date, -1),
    ArrowRight: () => plusDays(date, 1),
    ArrowUp: () => otherMonth(date, -1),
    ArrowDown: () => otherMonth(date, 1),
    Home: () => season,
    End: () => plusDays(nextYear(season), -1),
  };
  const to = by[key]?.() ?? date;
  return to < season || to >= nextYear(season) ? date : to;
}

/** The same day of another month, or that month's last. */
function otherMonth(date: string, by: number): string {
  const [year = 0, month = 1, number = 1] = date.split('-').map(Number);
  const last = new Date(Date.UTC(year, month + by, 0)).getUTCDate();
  return iso(Date.UTC(year, month - 1 + by, Math.min(number, last)));
}

function nextYear(season: string): string {
  return `${Number(season.slice(0, 4)) + 1}${season.slice(4)}`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
