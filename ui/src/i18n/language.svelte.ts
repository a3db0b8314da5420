// The language of the page and its dictionary. A dictionary is one small file, loaded when its language is chosen.
import type english from './en.json';
import { choose, LANGUAGES, type Language } from './choose';

export type Key = keyof typeof english;
type Dictionary = Record<Key, string>;

const STORED = 'ohmstead.language';
const files = import.meta.glob<Dictionary>('./*.json', { import: 'default' });

class Speech {
  language = $state<Language>('en');
  #words = $state.raw<Dictionary | null>(null);

  /** False until the first dictionary is there. */
  get isReady(): boolean {
    return this.#words !== null;
  }

  /** The text of `key`, with `{name}` replaced by `values.name`. A function of state: it follows a change of language. */
  t = (key: Key, values: Record<string, string | number> = {}): string => {
    const text = this.#words?.[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
  };

  /** The text of a key made at run time (a mode, an outcome), or `otherwise` when there is none. */
  maybe(key: string, otherwise: string): string {
    return (this.#words as Record<string, string> | null)?.[key] ?? otherwise;
  }

  /** Chooses by what the person picked before, else the browser's languages, else the site's. */
  async begin(site: readonly string[]): Promise<void> {
    await this.#load(choose(stored(), navigator.languages, site));
  }

  async pick(language: Language): Promise<void> {
    try {
      localStorage.setItem(STORED, language);
    } catch {
      // Private windows may refuse; the choice then lasts as long as the page.
    }
    await this.#load(language);
  }

  async #load(language: Language): Promise<void> {
    const file = files[`./${language}.json`];
    if (!file) return;
    this.#words = await file();
    this.language = language;
    document.documentElement.lang = language;
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

export const speech = new Speech();
export { LANGUAGES, type Language };
