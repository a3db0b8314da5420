// The shapes of the REST contract, version 1, as the dashboard reads them. Fields may be added by the server; none is renamed.

/** One value with its age. `value` null means unknown, and `why` says why; it never means zero. */
export interface Value {
  value: number | string | null;
  unit?: string | null;
  /** UTC, ISO 8601. */
  at?: string | null;
  /** Age when the server answered, in milliseconds. */
  age_ms?: number | null;
  why?: string;
}

export type Values = Record<string, Value>;
export type Severity = 'info' | 'warning' | 'alarm';

export interface Site {
  name: string;
  /** IANA name, such as Europe/Paris. */
  timezone: string;
  languages: string[];
  version: string;
  read_only: boolean;
  started_at: string;
  now: string;
}

export interface Notice {
  code: string;
  severity: Severity;
  text: string;
  hint?: string | null;
}

/** What a setting may be set to: these states, these numbers, or numbers from `min` to `max` in steps. */
export type Allowed = { states: string[] } | { numbers: number[] } | { min: number; max: number; step: number };

/** A setting that a device offers; its name is that of the metric that shows it. */
export interface Setting {
  name: string;
  allowed: Allowed;
  unit: string | null;
}

/** One thing that the driver knows, and what from. */
export interface Evidence {
  what: string;
  seen: string;
  means: string;
}

/** What control wants of a device, and how far it has got. */
export interface Control {
  /** As the device lists it, with its figures: "charge 800 W"; null where it is left alone. */
  wants: string | null;
  by: string | null;
  phase: string;
  code: string;
  reason: string;
  /** When it ends by itself. */
  ends: string | null;
}

export const PARTS = ['limits', 'plan', 'tempo', 'schedule', 'rotation'] as const;
export type Part = (typeof PARTS)[number];

/** null: the configuration has none of it. */
export type Switches = Record<Part, boolean | null>;

export interface ControlOverview {
  switches: Switches;
  /** How long what is asked by hand lasts where no time is given. */
  overrides: { power_s: number; mode_s: number; longest_s: number };
  limits: Limit[];
  /** The windows of the schedule in the order in which they count. */
  schedule: ScheduleWindow[];
}

export interface Limit {
  name: string;
  /** What counts. */
  max_w: number;
  /** What the configuration allows. */
  file_max_w: number;
  lowest_w: number;
  /** What was asked for while the program runs. */
  asked_w: number | null;
}

export interface ScheduleWindow {
  id: number;
  name: string;
  /** "22:00:00", civil time of the site. */
  start_time: string;
  end_time: string;
  /** Bit 0 is Monday. */
  week_days: number;
  holidays: boolean;
  /** "charge 800 W until 90 %" */
  mode: string;
  /** All batteries where it is empty. */
  devices: string[];
  source: 'file' | 'run_time' | 'in_place_of_file' | 'place_gone';
  /** Whether the window itself is on. */
  is_on: boolean;
  /** Whether its time is now, and it counts. */
  is_open: boolean;
}

export interface Device {
  device: string;
  driver: string;
  name: string;
  model: string | null;
  firmware: string | null;
  serial: string | null;
  address: string | null;
  phase: string | null;
  /** null: not asked yet. */
  online: boolean | null;
  since: string | null;
  roles: string[];
  notices: Notice[];
  /** The modes that can be set, such as "auto" or "native:ai"; empty when none can. */
  modes: string[];
  /** What else can be set, and to what. */
  settings: Setting[];
  /** What the driver knows, and what from. */
  evidence: Evidence[];
  /** null: control has not looked at it. */
  control: Control | null;
  last_success: string | null;
  values: Values;
}

/** The stream's "device" event: all but the values. */
export type DeviceState = Omit<Device, 'values'>;

export type Labels = Partial<Record<string, string>>;

export interface Metric {
  id: string;
  label: Labels;
  unit: string | null;
  decimals: number;
  kind: 'gauge' | 'counter' | 'state' | 'text';
  sign?: string | null;
  states?: { key: string; label: Labels }[] | null;
}

/** A measured value, or what a longer step saw: [min, mean, max]. */
export type HistoryValue = number | [number, number, number];

export interface History {
  device: string;
  metric: string;
  unit: string | null;
  from_ms: number;
  to_ms: number;
  step_ms: number | null;
  points: [number, HistoryValue][];
}

export type Outcome =
  | 'dry_run'
  | 'unchanged'
  | 'accepted_unmeasured'
  | 'confirmed'
  | 'ineffective'
  | 'rejected'
  | 'failed';

/** One attempted write. The free fields are text or JSON, as the driver wrote them. */
export interface LedgerEntry {
  id: number | string;
  at: string;
  device: string;
  asked_by: string | null;
  request: unknown;
  old: unknown;
  new: unknown;
  reply: unknown;
  read_back: unknown;
  effect: unknown;
  outcome: Outcome | string;
  reason: string | null;
}

export interface SiteEvent {
  id: number | string;
  at: string;
  severity: Severity | string;
  device: string | null;
  code: string;
  text: string;
}

export interface ModeRequest {
  mode: string;
  native?: string;
  power_w?: number;
  until_soc_pct?: number;
  for_s?: number;
}

export interface ModeAnswer {
  outcome: Outcome;
  entry: LedgerEntry;
}

export interface Reading {
  device: string;
  at: string;
  values: Values;
}
