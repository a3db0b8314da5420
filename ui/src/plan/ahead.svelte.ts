// What this view knows of the time ahead: each part fetched by itself, so that one that fails takes no other with it.
import { ApiError } from '../api/client';
import { ahead } from './api';
import type { Money, MoneyBy, Outlook, Plan, PlanOverride, Tempo } from './types';

/** How one part stands. What was known before a failure stays. */
export class Part<T> {
  value = $state.raw<T | null>(null);
  /** Why the last try failed. */
  error = $state.raw<ApiError | null>(null);
  isLoaded = $state(false);
  #turn = 0;

  /** The configuration has nothing of it. */
  get isAbsent(): boolean {
    return this.error?.code === 'not_configured';
  }

  /** Tried, and there is nothing to show but why. */
  get isFailed(): boolean {
    return this.error !== null && !this.isAbsent && this.value === null;
  }

  /** What is told at present; null where the last try failed or there was none. */
  get known(): T | null {
    return this.error === null ? this.value : null;
  }

  async fetch(question: () => Promise<T>): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    try {
      const value = await question();
      // An answer to an earlier question knows nothing of what was done since.
      if (turn !== this.#turn) return;
      this.value = value;
      this.error = null;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.error = error instanceof ApiError ? error : new ApiError(0, 'unreachable', String(error), null);
      if (this.isAbsent) this.value = null;
    }
    this.isLoaded = true;
  }
}

export class Ahead {
  outlook = new Part<Outlook>();
  plan = new Part<Plan>();
  asked = new Part<PlanOverride[]>();
  tempo = new Part<Tempo>();
  days = new Part<Money>();
  months = new Part<Money>();

  /** Everything but the months, which change slowly. */
  async refresh(language: string): Promise<void> {
    await Promise.all([
      this.outlook.fetch(() => ahead.outlook(language)),
      this.fetchPlan(language),
      this.asked.fetch(ahead.asked),
      this.tempo.fetch(ahead.tempo),
      this.fetchMoney('day'),
    ]);
  }

  async fetchPlan(language: string): Promise<void> {
    await this.plan.fetch(() => ahead.plan(language));
  }

  async fetchMoney(by: MoneyBy): Promise<void> {
    await (by === 'day' ? this.days : this.months).fetch(() => ahead.money(by));
  }

  /** A house without tariffs and forecasts, and so without a plan. */
  get isBare(): boolean {
    return this.outlook.isAbsent && (this.plan.value?.slots.length ?? 0) === 0;
  }
}
