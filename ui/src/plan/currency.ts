// Money as people of the chosen language write it.

const formats = new Map<string, Intl.NumberFormat>();

/** "€1.48"; a currency that the browser does not know is written as its code. */
export function amount(value: number, currency: string, language: string, decimals = 2): string {
  const key = `${language} ${currency} ${decimals}`;
  let format = formats.get(key);
  if (!format) {
    format = made(language, currency, decimals);
    formats.set(key, format);
  }
  const text = format.format(value);
  // Rounding may leave a minus before a zero.
  return /[1-9]/.test(text) ? text : format.format(0);
}

/** "€0.187/kWh" */
export function price(value: number, currency: string, language: string): string {
  return `${amount(value, currency, language, 3)}/kWh`;
}

function made(language: string, currency: string, decimals: number): Intl.NumberFormat {
  const places = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  const tag = language === 'en' ? 'en-GB' : language;
  try {
    return new Intl.NumberFormat(tag, { style: 'currency', currency, currencyDisplay: 'narrowSymbol', ...places });
  } catch {
    return new Intl.NumberFormat(tag, places);
  }
}
