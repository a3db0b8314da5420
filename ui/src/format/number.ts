// Numbers as people of the chosen language read them.
import type { Metric, Value } from '../api/types';

/** Stands for every unknown value. Never 0. */
export const UNKNOWN = '–';

/** Between a number and its unit: they must not part at a line's end. */
const SPACE = '\u00a0';

const formats = new Map<string, Intl.NumberFormat>();

/** A number with exactly `decimals` places. */
export function number(value: number, decimals: number, language: string): string {
  const key = `${language} ${decimals}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(language, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    formats.set(key, format);
  }
  // Rounding may leave a minus before a zero, which looks like a direction.
  const text = format.format(value);
  return /[1-9]/.test(text) ? text : format.format(0);
}

export interface Quantity {
  figure: string;
  unit: string;
}

/**
 * A quantity for headlines: watts turn to kilowatts and watt-hours to kilowatt-hours where that reads better.
 * Other units stay as they are, with `decimals` places.
 */
export function quantity(value: number, unit: string | null | undefined, decimals: number, language: string): Quantity {
  const size = Math.abs(value);
  // From the rounded figure on: 999.6 W must not read "1000 W".
  if (unit === 'W' && size >= 999.5) return scaled(value / 1_000, 'kW', language);
  if (unit === 'W') return { figure: number(value, 0, language), unit };
  if (unit === 'Wh' && size >= 999_500) return scaled(value / 1_000_000, 'MWh', language);
  if (unit === 'Wh' && size >= 999.5) return scaled(value / 1_000, 'kWh', language);
  if (unit === 'Wh') return { figure: number(value, 0, language), unit };
  if (unit === 'kWh' && size >= 9_999.5) return scaled(value / 1_000, 'MWh', language);
  if (unit === 'kWh') return scaled(value, unit, language);
  return { figure: number(value, decimals, language), unit: unit ?? '' };
}

function scaled(value: number, unit: string, language: string): Quantity {
  const size = Math.abs(value);
  const decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  return { figure: number(value, decimals, language), unit };
}

export function joined({ figure, unit }: Quantity): string {
  return unit === '' ? figure : `${figure}${SPACE}${unit}`;
}

/** The numeric value, or null when it is unknown or not a number. */
export function known(value: Value | undefined): number | null {
  return typeof value?.value === 'number' && Number.isFinite(value.value) ? value.value : null;
}

/** A headline text for a value: scaled unit, or the unknown sign. */
export function headline(value: Value | undefined, metric: Metric | undefined, language: string): string {
  const amount = known(value);
  if (amount === null) return UNKNOWN;
  return joined(quantity(amount, value?.unit ?? metric?.unit, metric?.decimals ?? 0, language));
}

/** A value exactly as the catalogue describes it: its own unit and decimals, the state's label, or the text. */
export function exact(value: Value, metric: Metric | undefined, language: string): string {
  if (value.value === null) return UNKNOWN;
  if (typeof value.value === 'string') return stateLabel(value.value, metric, language);
  const decimals = metric?.decimals ?? Math.min(2, places(value.value));
  return joined({ figure: number(value.value, decimals, language), unit: value.unit ?? metric?.unit ?? '' });
}

export function stateLabel(key: string, metric: Metric | undefined, language: string): string {
  const label = metric?.states?.find((state) => state.key === key)?.label;
  return label?.[language] ?? label?.['en'] ?? key;
}

export function metricLabel(id: string, metric: Metric | undefined, language: string): string {
  return metric?.label[language] ?? metric?.label['en'] ?? id.replaceAll('_', ' ');
}

function places(value: number): number {
  return String(value).split('.')[1]?.length ?? 0;
}
