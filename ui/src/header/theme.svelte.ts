// Light or dark: as the system says, unless the person chose.

export type Choice = 'auto' | 'light' | 'dark';

const STORED = 'ohmstead.theme';
const NEXT: Record<Choice, Choice> = { auto: 'light', light: 'dark', dark: 'auto' };

class Theme {
  choice = $state<Choice>('auto');
  #systemDark = $state(false);

  get isDark(): boolean {
    return this.choice === 'dark' || (this.choice === 'auto' && this.#systemDark);
  }

  begin(): void {
    const system = matchMedia('(prefers-color-scheme: dark)');
    this.#systemDark = system.matches;
    this.choice = stored();
    this.#show();
    system.addEventListener('change', ({ matches }) => {
      this.#systemDark = matches;
      this.#show();
    });
  }

  next(): void {
    this.choice = NEXT[this.choice];
    try {
      localStorage.setItem(STORED, this.choice);
    } catch {
      // Private windows may refuse; the choice then lasts as long as the page.
    }
    this.#show();
  }

  #show(): void {
    document.documentElement.dataset['theme'] = this.isDark ? 'dark' : 'light';
  }
}

function stored(): Choice {
  try {
    const choice = localStorage.getItem(STORED);
    return choice === 'light' || choice === 'dark' ? choice : 'auto';
  } catch {
    return 'auto';
  }
}

export const theme = new Theme();
