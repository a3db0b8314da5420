// Which of our languages a visitor gets.

export const LANGUAGES = ['en', 'fr', 'nl', 'et', 'de'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Each language by its own name, for the switch. */
export const OWN_NAMES: Record<Language, string> = {
  en: 'English',
  fr: 'Français',
  nl: 'Nederlands',
  et: 'Eesti',
  de: 'Deutsch',
};

/**
 * What the person picked before wins. Then the first of the browser's languages that the site lists; then, whether listed
 * or not, the first that we speak; then the site's first; then English.
 */
export function choose(picked: string | null, browser: readonly string[], site: readonly string[]): Language {
  const spoken = (tag: string): Language | undefined => LANGUAGES.find((known) => known === tag.toLowerCase().split('-')[0]);
  const listed = site.map(spoken).filter((language) => language !== undefined);
  const wanted = browser.map(spoken).filter((language) => language !== undefined);
  return (
    spoken(picked ?? '') ?? wanted.find((language) => listed.includes(language)) ?? wanted[0] ?? listed[0] ?? 'en'
  );
}
