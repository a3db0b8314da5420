// The histories behind the chart: fetched for a range, extended by live readings, fetched anew from time to time.
import { api } from '../api/client';
import type { AgedValues, House } from '../live/house.svelte';
import { SITE } from '../live/house.svelte';
import { known } from '../format/number';
import { extended, type Track } from './align';
import type { Range } from './ranges';

/** One curve's origin: a metric of a device, or of the whole site. */
export interface Source {
  device: string;
  metric: string;
}

interface Curve {
  fetched: Track;
  live: [number, number][];
}

export class Histories {
  /** Grows by one at each change of the tracks. */
  revision = $state(0);
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  /** The range that the tracks are of. */
  rangeId = $state<Range['id'] | null>(null);
  #curves = new Map<string, Curve>();
  #asked = 0;
  #house: House;

  constructor(house: House) {
    this.#house = house;
  }

  track(source: Source): Track {
    const curve = this.#curves.get(name(source));
    return curve ? extended(curve.fetched, curve.live) : { points: [], stepMs: null };
  }

  /** Fetches all curves for the range that ends now. A later call overtakes an earlier one that still waits. */
  async fetch(sources: Source[], range: Range): Promise<void> {
    this.#asked += 1;
    const mine = this.#asked;
    const toMs = this.#house.serverNowMs;
    const answers = await Promise.allSettled(
      sources.map(({ device, metric }) => api.history(device, metric, toMs - range.spanMs, toMs, range.step)),
    );
    if (mine !== this.#asked) return;
    answers.forEach((answer, index) => {
      const source = sources[index];
      if (!source || answer.status === 'rejected') return;
      const { points, step_ms: stepMs } = answer.value;
      this.#curves.set(name(source), { fetched: { points, stepMs }, live: [] });
    });
    this.state = answers.length > 0 && answers.every(({ status }) => status === 'rejected') ? 'failed' : 'ready';
    this.rangeId = range.id;
    this.revision += 1;
  }

  /** Adds the newest live value of each curve, no denser than the range wants. */
  extend(sources: Source[], range: Range): void {
    let grown = false;
    for (const source of sources) {
      const curve = this.#curves.get(name(source));
      const aged = this.#valuesOf(source)[source.metric];
      const watts = known(aged?.value);
      const at = Date.parse(aged?.value.at ?? '');
      if (!curve || watts === null || Number.isNaN(at)) continue;
      const last = curve.live.at(-1)?.[0] ?? curve.fetched.points.at(-1)?.[0] ?? -Infinity;
      if (at - last < range.liveMs) continue;
      curve.live.push([at, watts]);
      grown = true;
    }
    if (grown) this.revision += 1;
  }

  #valuesOf({ device }: Source): AgedValues {
    if (device === SITE) return this.#house.values;
    return this.#house.devices.find((live) => live.state.device === device)?.values ?? {};
  }
}

function name({ device, metric }: Source): string {
  return `${device} ${metric}`;
}
