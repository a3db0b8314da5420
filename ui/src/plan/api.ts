// What lies ahead, asked from the server.
import { ApiError, ask } from '../api/client';
import type { Colour, Money, MoneyBy, Outlook, Plan, PlanOverride, Tempo } from './types';

export const ahead = {
  outlook: (language: string) => ask<Outlook>(`outlook?lang=${language}`),
  plan: (language: string) => ask<Plan>(`plan?lang=${language}`),
  asked: () => ask<PlanOverride[]>('plan/overrides'),
  askAhead: (wish: { device: string; mode: string; from: string; to: string }) =>
    ask<PlanOverride>('plan/overrides', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(wish),
    }),
  /** What is no longer there needs no more: null. */
  takeBack: (id: number) =>
    ask<PlanOverride>(`plan/overrides/${id}`, { method: 'DELETE' }).catch((error: unknown) => {
      if (error instanceof ApiError && error.code === 'unknown_override') return null;
      throw error;
    }),
  tempo: () => ask<Tempo>('tempo'),
  setColour: (date: string, colour: Colour | null) =>
    ask<Tempo>(`tempo/${encodeURIComponent(date)}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ colour }),
    }),
  money: (by: MoneyBy) => ask<Money>(`money?by=${by}`),
};
