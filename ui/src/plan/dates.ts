// Civil dates in words. A date is no instant: no zone may move it.

const formats = new Map<string, Intl.DateTimeFormat>();

/** "Sat 21 Nov", with the year where asked for. */
export function dateName(date: string, language: string, { year = false } = {}): string {
  return format(language, { weekday: 'short', day: 'numeric', month: 'short', ...(year ? { year: 'numeric' } : {}) }).format(Date.parse(date));
}

/** "Nov 2026" */
export function monthName(date: string, language: string, { year = true } = {}): string {
  return format(language, { month: 'short', ...(year ? { year: 'numeric' } : {}) }).format(Date.parse(date));
}

function format(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language} ${JSON.stringify(options)}`;
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, { timeZone: 'UTC', ...options });
    formats.set(key, found);
  }
  return found;
}
