// One wish at a time on its way to the server, and in words why nothing came of it.
import { ApiError } from '../api/client';
import type { ModeAnswer } from '../api/types';
import { mood } from '../devices/request';
import { sentence } from '../format/sentence';
import type { PlanOverride } from './types';

export class Errand {
  isBusy = $state(false);
  trouble = $state<string | null>(null);

  /** Whether it was done; while another one is under way nothing is. */
  async run(question: () => Promise<ModeAnswer | PlanOverride | null>): Promise<boolean> {
    if (this.isBusy) return false;
    this.isBusy = true;
    this.trouble = null;
    try {
      const answer = await question();
      if (answer && 'outcome' in answer && mood(answer.outcome) === 'bad') this.trouble = sentence(answer.entry.reason);
    } catch (error) {
      this.trouble = error instanceof ApiError ? [error.message, error.hint].map(sentence).join(' ') : String(error);
    }
    this.isBusy = false;
    return this.trouble === null;
  }
}
