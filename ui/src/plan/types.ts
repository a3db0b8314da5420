// The shapes of what lies ahead, as the REST contract has them. Powers: import, discharge and sun are positive.

export type Colour = 'blue' | 'white' | 'red';
export const COLOURS: readonly Colour[] = ['blue', 'white', 'red'];

export interface Expected {
  mean_w: number | null;
  low_w: number | null;
  high_w: number | null;
}

export interface OutlookSlot {
  start: string;
  end: string;
  import_price: number | null;
  export_price: number | null;
  estimated: boolean;
  colour: Colour | null;
  load: Expected | null;
  pv: Expected | null;
}

export interface Source {
  name: string;
  kind: string;
  fetched_at: string | null;
  trouble: string | null;
  next_try: string | null;
  licence: string | null;
}

/** A reason, or what is missing, in the language of the answer. */
export interface Reason {
  code: string;
  reason: string;
}

export interface Outlook {
  at: string;
  currency: string;
  offline: boolean;
  slots: OutlookSlot[];
  sources: Source[];
  language: string;
  missing: Reason[];
}

export interface PlanStep {
  device: string;
  mode: string;
  code: string;
  reason: string;
  by_hand_until: string | null;
}

export interface PlanSlot {
  start: string;
  end: string;
  grid_w: number | null;
  pv_w: number | null;
  load_w: number | null;
  /** One for each of the plan's batteries, in their order; so are the next ones. */
  battery_w: (number | null)[];
  soc_wh: (number | null)[];
  soc_pct: (number | null)[];
  modes: string[];
  import_price: number | null;
  export_price: number | null;
  estimated: boolean;
  worth: number | null;
  cost: number | null;
  code: string;
  reason: string;
  steps: PlanStep[];
}

/** What was asked by hand for a time to come. */
export interface PlanOverride {
  id: number;
  device: string;
  mode: string;
  from: string;
  to: string;
  asked_by: string;
}

export interface PlanBattery {
  device: string;
  acts: boolean;
  capacity_wh: number | null;
  now_wh: number | null;
}

export interface Plan {
  mode: 'off' | 'advise' | 'act';
  acting: boolean;
  read_only: boolean;
  why_none: Reason | null;
  language: string;
  made_at: string | null;
  origin: 'found' | 'self_consumption' | 'kept' | 'fallback' | null;
  trouble: Reason | null;
  currency: string | null;
  cost: number | null;
  self_consumption_cost: number | null;
  no_battery_cost: number | null;
  batteries: PlanBattery[];
  slots: PlanSlot[];
  missing: Reason[];
}

export interface TempoDay {
  /** "2026-11-21": from 06:00 of that day until 06:00 of the next. */
  date: string;
  colour: Colour | null;
  provisional: boolean;
  disputed: boolean;
  by_hand: boolean;
  voices: { source: string; colour: Colour; since: string; provisional: boolean }[];
  odds: Record<Colour, number | null> | null;
}

export interface Tempo {
  season: string;
  today: TempoDay;
  tomorrow: TempoDay;
  days: TempoDay[];
  counts: { colour: Colour; used: number; left: number }[];
  prices: { colour: Colour; off_peak: number | null; peak: number | null }[];
  prices_since: string;
}

export interface MoneyRow {
  from: string;
  import_kwh: number | null;
  export_kwh: number | null;
  cost: number | null;
  self_consumption_cost: number | null;
  no_battery_cost: number | null;
  unknown_h: number | null;
}

export type MoneyBy = 'day' | 'month';

export interface Money {
  currency: string;
  from: string;
  to: string;
  by: MoneyBy;
  rows: MoneyRow[];
}
