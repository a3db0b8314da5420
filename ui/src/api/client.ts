// Asks the server over HTTP. Addresses are relative to the page, so that a proxy may put a prefix before them.
import type {
  ControlOverview,
  Device,
  History,
  LedgerEntry,
  Limit,
  Metric,
  ModeAnswer,
  ModeRequest,
  Part,
  ScheduleWindow,
  Site,
  SiteEvent,
  Switches,
  Values,
} from './types';

const TIMEOUT_MS = 30_000;
/** A wish is answered when its attempt has ended: written, read back and measured, up to three times. */
const ATTEMPT_MS = 200_000;

/** The server refused, or could not be reached (`status` 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string | null,
  ) {
    super(message);
  }

  /** The installation wants its token first. */
  get isLocked(): boolean {
    return this.status === 401;
  }

  get isUnreachable(): boolean {
    return this.status === 0;
  }
}

export const api = {
  site: () => ask<Site>('site'),
  metrics: () => ask<Metric[]>('metrics'),
  devices: () => ask<Device[]>('devices'),
  device: (name: string) => ask<Device>(`devices/${encodeURIComponent(name)}`),
  house: () => ask<{ values: Values }>('house'),
  ledger: (limit: number) => ask<LedgerEntry[]>(`ledger?limit=${limit}`),
  events: (limit: number) => ask<SiteEvent[]>(`events?limit=${limit}`),
  history: (device: string, metric: string, fromMs: number, toMs: number, step: string) =>
    ask<History>(
      `history?${new URLSearchParams({ device, metric, from: String(Math.round(fromMs)), to: String(Math.round(toMs)), step })}`,
    ),
  control: () => ask<ControlOverview>('control'),
  switchPart: (part: Part, on: boolean) =>
    ask<Switches>(`control/${part}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ on }),
    }),
  // With its name: after a reload of the configuration another window may stand at that place, and then this is refused.
  switchWindow: ({ id, name }: Pick<ScheduleWindow, 'id' | 'name'>, on: boolean) =>
    ask<ScheduleWindow>(`schedules/${id}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, is_active: on }),
    }),
  lowerLimit: (name: string, maxW: number | null) =>
    ask<Limit>(`control/limits/${encodeURIComponent(name)}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ max_w: maxW }),
    }),
  release: (device: string) =>
    ask<ModeAnswer>(`devices/${encodeURIComponent(device)}/mode`, { method: 'DELETE', signal: AbortSignal.timeout(ATTEMPT_MS) }),
  setSetting: (device: string, setting: string, value: string | number) =>
    ask<ModeAnswer>(`devices/${encodeURIComponent(device)}/settings/${encodeURIComponent(setting)}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ value }),
      signal: AbortSignal.timeout(ATTEMPT_MS),
    }),
  setMode: (device: string, request: ModeRequest) =>
    ask<ModeAnswer>(`devices/${encodeURIComponent(device)}/mode`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(ATTEMPT_MS),
    }),
};

/** Trades the token for a session, whose cookie the page never sees. */
export async function login(token: string): Promise<void> {
  const response = await reach('login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  if (!response.ok) throw refusal(response.status, await response.json().catch(() => null));
}

export async function logout(): Promise<void> {
  await reach('logout', { method: 'POST' });
}

export async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await reach(`api/v1/${path}`, init);
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && body !== null) return body as T;
  throw refusal(response.status, body);
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { signal: AbortSignal.timeout(TIMEOUT_MS), ...init });
  } catch (cause) {
    throw new ApiError(0, 'unreachable', cause instanceof Error ? cause.message : String(cause), null);
  }
}

/** Reads `{"error": {"code", "message", "hint"}}`; a proxy's own error page has none of it. */
export function refusal(status: number, body: unknown): ApiError {
  const error = (body as { error?: { code?: unknown; message?: unknown; hint?: unknown } } | null)?.error;
  // A gateway that answers for a server that is down: as good as no answer.
  if (!error && (status === 200 || (status >= 502 && status <= 504))) {
    return new ApiError(0, 'unreachable', `HTTP ${status}`, null);
  }
  const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
  return new ApiError(status, text(error?.code) ?? `http_${status}`, text(error?.message) ?? `HTTP ${status}`, text(error?.hint));
}
