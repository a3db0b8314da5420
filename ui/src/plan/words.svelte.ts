// The texts of this view: a dictionary of its own, for most visits only look at the first view.
import { speech } from '../i18n/language.svelte';
import type english from './i18n/en.json';

export type PlanKey = keyof typeof english;
type Dictionary = Record<PlanKey, string>;

const files = import.meta.glob<Dictionary>('./i18n/*.json', { import: 'default' });

class Words {
  #words = $state.raw<Dictionary | null>(null);

  /** False until the first dictionary is there. */
  get isReady(): boolean {
    return this.#words !== null;
  }

  /** The text of `key`, with `{name}` replaced by `values.name`. */
  p = (key: PlanKey, values: Record<string, string | number> = {}): string => {
    const text = this.#words?.[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
  };

  /** The text of a key made at run time, or `otherwise` when there is none. */
  maybe(key: string, otherwise: string): string {
    return (this.#words as Record<string, string> | null)?.[key] ?? otherwise;
  }

  /** Follows the language of the page. */
  async follow(): Promise<void> {
    const wanted = speech.language;
    const loaded = await files[`./i18n/${wanted}.json`]?.();
    // Another language may have been chosen meanwhile.
    if (loaded && wanted === speech.language) this.#words = loaded;
  }
}

export const words = new Words();
