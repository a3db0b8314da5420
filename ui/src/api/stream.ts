// The live stream of readings (server-sent events), which reconnects by itself.
//
//   connecting --open--> live --error or silence--> waiting --delay--> connecting
//
// The browser's own reconnection is not used: it gives up for good on an HTTP error, and it does not notice a
// connection that died silently (a laptop that slept, a router that forgot it). The server sends a comment every 15 s, but
// a page cannot see comments, so silence is judged by any event.
import { delayMs } from './backoff';
import type { DeviceState, Reading } from './types';

export type StreamState = 'connecting' | 'live' | 'waiting';

export interface StreamListener {
  /** `sinceDrop` is true when the connection had been lost before: what was missed must be fetched. */
  opened(sinceDrop: boolean): void;
  reading(reading: Reading): void;
  device(device: DeviceState): void;
  /** A device is no longer configured. */
  removed(device: string): void;
  lagged(lost: number): void;
  state(state: StreamState): void;
}

/** No event for so long: the connection is presumed dead and made anew. */
const SILENCE_MS = 90_000;

export class Stream {
  #source: EventSource | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #wasOpen = false;
  #listener: StreamListener;

  constructor(listener: StreamListener) {
    this.#listener = listener;
  }

  open(): void {
    this.close();
    this.#listener.state('connecting');
    const source = new EventSource('api/v1/stream');
    this.#source = source;
    source.onopen = () => this.#opened();
    source.onerror = () => this.#lost();
    this.#on<{ now: string }>(source, 'hello', () => {});
    this.#on<Reading>(source, 'reading', (reading) => this.#listener.reading(reading));
    this.#on<DeviceState>(source, 'device', (device) => this.#listener.device(device));
    this.#on<{ device: string }>(source, 'removed', ({ device }) => this.#listener.removed(device));
    this.#on<{ lost: number }>(source, 'lagged', ({ lost }) => this.#listener.lagged(lost));
  }

  close(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#source?.close();
    this.#source = null;
  }

  #on<T>(source: EventSource, name: string, act: (data: T) => void): void {
    source.addEventListener(name, (event) => {
      if (source !== this.#source) return;
      this.#heard();
      const data = parse<T>((event as MessageEvent<string>).data);
      if (data !== null) act(data);
    });
  }

  #opened(): void {
    const sinceDrop = this.#wasOpen;
    this.#wasOpen = true;
    this.#failures = 0;
    this.#heard();
    this.#listener.state('live');
    this.#listener.opened(sinceDrop);
  }

  #heard(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.open(), SILENCE_MS);
  }

  #lost(): void {
    this.close();
    this.#listener.state('waiting');
    this.#retry = setTimeout(() => this.open(), delayMs(this.#failures, Math.random()));
    this.#failures += 1;
  }
}

/** A malformed event is dropped: the next full fetch puts things right. */
function parse<T>(text: string): T | null {
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}
