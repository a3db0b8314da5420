import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { choose, LANGUAGES } from '../src/i18n/choose';

const source = join(import.meta.dirname, '..', 'src');
const dictionary = (language: string): Record<string, string> =>
  JSON.parse(readFileSync(join(source, 'i18n', `${language}.json`), 'utf8')) as Record<string, string>;
const english = dictionary('en');
const holes = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([hole]) => hole).sort();

describe.each(LANGUAGES)('%s', (language) => {
  const own = dictionary(language);

  test('has exactly the keys of English, in the same order', () => {
    expect(Object.keys(own)).toEqual(Object.keys(english));
  });

  test('leaves no text empty and keeps every placeholder', () => {
    for (const [key, text] of Object.entries(own)) {
      expect(text.trim(), key).not.toBe('');
      expect(holes(text), key).toEqual(holes(english[key] ?? ''));
    }
  });
});

test('every key is used somewhere in the page', () => {
  const files = (readdirSync(source, { recursive: true }) as string[]).filter((name) => /\.(svelte|ts)$/.test(name));
  const code = files.map((name) => readFileSync(join(source, name), 'utf8')).join('\n');
  const made = ['mode.', 'outcome.', 'chart.', 'power.', 'stream.', 'theme.', 'unit.', 'severity.', 'ledger.', 'by.', 'phase.', 'part.', 'limit.', 'view.'];
  const unused = Object.keys(english).filter((key) => !code.includes(`'${key}'`) && !made.some((prefix) => key.startsWith(prefix)));
  expect(unused).toEqual([]);
});

test.each([
  [null, ['fr-FR', 'en'], ['en', 'fr'], 'fr'],
  [null, ['es', 'nl-BE'], ['fr'], 'nl'],
  [null, ['es'], ['et', 'en'], 'et'],
  [null, ['de-AT', 'fr'], ['fr', 'en'], 'fr'],
  [null, ['es'], [], 'en'],
  ['de', ['fr'], ['fr'], 'de'],
  ['xx', ['fr'], ['fr'], 'fr'],
])('picked %j, browser %j, site %j gives %s', (picked, browser, site, expected) => {
  expect(choose(picked, browser, site)).toBe(expected);
});
