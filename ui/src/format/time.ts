// Times in the SITE's zone, whatever zone the browser is in, on a 24-hour clock.

const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: string, zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language} ${zone} ${JSON.stringify(options)}`;
  let found = formats.get(key);
  if (!found) {
    // "Sat 21 Nov" and "CET", not the order and the zone names of the United States.
    found = new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, { timeZone: zone, hourCycle: 'h23', ...options });
    formats.set(key, found);
  }
  return found;
}

/** "08:05", or "08:05:09" with `seconds`. */
export function clock(ms: number, zone: string, language: string, { seconds = false } = {}): string {
  return format(language, zone, {
    hour: '2-digit',
    minute: '2-digit',
    ...(seconds ? { second: '2-digit' } : {}),
  }).format(ms);
}

/** "Sat 21 Nov" in the language's order. */
export function day(ms: number, zone: string, language: string): string {
  return format(language, zone, { weekday: 'short', day: 'numeric', month: 'short' }).format(ms);
}

/** The clock alone for today, with the day before it otherwise. */
export function moment(ms: number, nowMs: number, zone: string, language: string): string {
  const time = clock(ms, zone, language);
  return sameDay(ms, nowMs, zone) ? time : `${day(ms, zone, language)}, ${time}`;
}

/** The zone's short name at that time: "CET", "GMT+1". */
export function zoneName(ms: number, zone: string, language: string): string {
  const parts = format(language, zone, { hour: '2-digit', timeZoneName: 'short' }).formatToParts(ms);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? zone;
}

/** True when the browser itself knows the zone. */
export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

export interface Civil {
  /** Days since 1970-01-01 of the civil date; only for comparing and counting. */
  day: number;
  hour: number;
  minute: number;
}

/** What the site's wall clock shows at that instant. */
export function civil(ms: number, zone: string): Civil {
  const parts = format('en-GB', zone, {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  }).formatToParts(ms);
  const part = (type: string): number => Number(parts.find((found) => found.type === type)?.value);
  return {
    day: Math.round(Date.UTC(part('year'), part('month') - 1, part('day')) / 86_400_000),
    hour: part('hour'),
    minute: part('minute'),
  };
}

function sameDay(a: number, b: number, zone: string): boolean {
  return civil(a, zone).day === civil(b, zone).day;
}
