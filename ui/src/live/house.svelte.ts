// What the page knows of the house: fetched once, kept fresh by the stream, aged every second.
import { api, ApiError } from '../api/client';
import { delayMs } from '../api/backoff';
import { Stream, type StreamState } from '../api/stream';
import type { ControlOverview, Device, DeviceState, LedgerEntry, Metric, Reading, Site, SiteEvent, Values } from '../api/types';
import type { Aged } from '../format/age';

export type AgedValues = Record<string, Aged>;

/** The name of the computed device that stands for the whole house. */
export const SITE = 'site';

/** One device: its state and its values, each replaced as a whole when news comes. */
export class LiveDevice {
  state: DeviceState = $state.raw()!;
  values: AgedValues = $state.raw({});

  constructor({ values, ...state }: Device, arrivedMs: number) {
    this.state = state;
    this.values = aged(values, arrivedMs);
  }
}

/** The whole picture is fetched anew this often, whatever the stream says: a value that became unknown sends no event. */
const RESYNC_MS = 60_000;
/** The house's totals are fetched at most this often, when the stream does not bring them itself. */
const HOUSE_MS = 2_000;
const LIST_LENGTH = 50;

export class House {
  site = $state.raw<Site | null>(null);
  metrics = $state.raw<ReadonlyMap<string, Metric>>(new Map());
  devices = $state.raw<LiveDevice[]>([]);
  values = $state.raw<AgedValues>({});
  /** Null until it has been told. */
  control = $state.raw<ControlOverview | null>(null);
  ledger = $state.raw<LedgerEntry[]>([]);
  events = $state.raw<SiteEvent[]>([]);
  stream = $state<StreamState>('connecting');
  /** The browser's clock at which the stream was lost; null while it is live. */
  lostMs = $state<number | null>(null);
  /** `loading` until the first answer, `down` while there has not been one, `locked` while the token is wanted. */
  reach = $state<'loading' | 'up' | 'down' | 'locked'>('loading');
  /** Why the last fetch failed. */
  problem = $state<string | null>(null);
  /** The browser's clock, once a second. */
  nowMs = $state(Date.now());
  /** The server's clock less the browser's. */
  #offsetMs = $state(0);

  #stream = new Stream({
    opened: (sinceDrop) => void (sinceDrop && this.refresh()),
    reading: (reading) => this.#read(reading),
    device: (state) => this.#changed(state),
    removed: () => void this.refresh(),
    lagged: () => void this.refresh(),
    state: (state) => this.#streamState(state),
  });
  #failures = 0;
  #timers: ReturnType<typeof setTimeout>[] = [];
  #houseTimer: ReturnType<typeof setTimeout> | undefined;
  #listsTimer: ReturnType<typeof setTimeout> | undefined;
  #streamedHouse = false;

  /** The server's clock now, unix ms: times that the server writes are compared with this one. */
  get serverNowMs(): number {
    return this.nowMs + this.#offsetMs;
  }

  get isLive(): boolean {
    return this.stream === 'live';
  }

  /** Starts fetching; returns what stops it. */
  start(): () => void {
    this.#timers.push(setInterval(() => (this.nowMs = Date.now()), 1_000));
    this.#timers.push(setInterval(() => void (this.isLive && this.refresh()), RESYNC_MS));
    void this.#first();
    return () => {
      this.#stream.close();
      clearTimeout(this.#houseTimer);
      clearTimeout(this.#listsTimer);
      for (const timer of this.#timers) clearTimeout(timer);
    };
  }

  async refresh(): Promise<void> {
    try {
      const askedMs = Date.now();
      const [site, metrics, devices, house] = await Promise.all([api.site(), api.metrics(), api.devices(), api.house()]);
      const arrivedMs = Date.now();
      this.site = site;
      const serverMs = Date.parse(site.now);
      this.#offsetMs = Number.isNaN(serverMs) ? 0 : serverMs - arrivedMs;
      this.metrics = new Map(metrics.map((metric) => [metric.id, metric]));
      this.devices = this.#merged(devices, askedMs, arrivedMs);
      this.values = aged(house.values, arrivedMs);
      this.reach = 'up';
      this.problem = null;
    } catch (error) {
      this.problem = error instanceof ApiError ? error.message : String(error);
      if (error instanceof ApiError && error.isLocked) this.#lock();
      else if (this.reach !== 'up') this.reach = 'down';
      return;
    }
    await this.refreshLists();
  }

  /** The ledger, the events and the switches; their absence never takes the page down. */
  async refreshLists(): Promise<void> {
    const [ledger, events, control] = await Promise.allSettled([api.ledger(LIST_LENGTH), api.events(LIST_LENGTH), api.control()]);
    if (ledger.status === 'fulfilled') this.ledger = ledger.value;
    if (events.status === 'fulfilled') this.events = events.value;
    if (control.status === 'fulfilled') this.control = control.value;
  }

  /** After the token was given, or taken back. */
  async restart(): Promise<void> {
    this.#failures = 0;
    this.#stream.close();
    await this.#first();
  }

  async #first(): Promise<void> {
    await this.refresh();
    if (this.reach === 'up') this.#stream.open();
    if (this.reach !== 'down') return;
    this.#timers.push(setTimeout(() => void this.#first(), delayMs(this.#failures, Math.random())));
    this.#failures += 1;
  }

  #lock(): void {
    this.#stream.close();
    this.reach = 'locked';
    this.lostMs = null;
  }

  /** Keeps the objects of devices that are still there, so that what is folded out stays so. */
  #merged(devices: Device[], askedMs: number, arrivedMs: number): LiveDevice[] {
    return devices.map((device) => {
      const known = this.devices.find((live) => live.state.device === device.device);
      if (!known) return new LiveDevice(device, arrivedMs);
      const { values, ...state } = device;
      known.state = state;
      known.values = withNews(aged(values, arrivedMs), known.values, askedMs);
      return known;
    });
  }

  #read({ device, values }: Reading): void {
    const news = aged(values, Date.now());
    if (device === SITE) {
      this.#streamedHouse = true;
      this.values = { ...this.values, ...news };
      return;
    }
    const live = this.devices.find((known) => known.state.device === device);
    if (!live) return;
    live.values = { ...live.values, ...news };
    if (!this.#streamedHouse) this.#fetchHouseSoon();
  }

  #changed(state: DeviceState): void {
    const live = this.devices.find((known) => known.state.device === state.device);
    if (!live) {
      void this.refresh();
      return;
    }
    live.state = state;
    // What became unknown with it, and what was written down about it.
    void this.#refetch(live);
    this.#fetchHouseSoon();
    clearTimeout(this.#listsTimer);
    this.#listsTimer = setTimeout(() => void this.refreshLists(), 500);
  }

  async #refetch(live: LiveDevice): Promise<void> {
    try {
      const askedMs = Date.now();
      const { values, ...state } = await api.device(live.state.device);
      live.state = state;
      live.values = withNews(aged(values, Date.now()), live.values, askedMs);
    } catch {
      // The next full fetch brings it.
    }
  }

  #fetchHouseSoon(): void {
    this.#houseTimer ??= setTimeout(async () => {
      try {
        this.values = aged((await api.house()).values, Date.now());
      } catch {
        // The stream's own reconnection tells the person.
      }
      this.#houseTimer = undefined;
    }, HOUSE_MS);
  }

  #streamState(state: StreamState): void {
    this.stream = state;
    if (state === 'live') {
      this.lostMs = null;
      this.#streamedHouse = false;
    } else {
      this.lostMs ??= Date.now();
      // The stream does not say why it ended; a session that has run out shows in the next answer.
      if (state === 'waiting') void this.refresh();
    }
  }
}

/** What was fetched, and over it what the stream has told since it was asked for: an answer may be slower than the stream. */
function withNews(fetched: AgedValues, known: AgedValues, askedMs: number): AgedValues {
  const news = Object.entries(known).filter(([, value]) => value.arrivedMs >= askedMs);
  return { ...fetched, ...Object.fromEntries(news) };
}

function aged(values: Values | undefined, arrivedMs: number): AgedValues {
  return Object.fromEntries(Object.entries(values ?? {}).map(([metric, value]) => [metric, { value, arrivedMs }]));
}
