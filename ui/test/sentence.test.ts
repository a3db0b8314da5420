import { describe, expect, test } from 'vitest';
import { sentence } from '../src/format/sentence';

describe('sentence', () => {
  test.each([
    ["rely on the battery's own management system", "Rely on the battery's own management system."],
    ['A UPS is connected to it', 'A UPS is connected to it.'],
    ['is the cable plugged in?', 'Is the cable plugged in?'],
    ['état de charge estimé', 'État de charge estimé.'],
    ['ohmstead doctor looks further', 'ohmstead doctor looks further.'],
    ['`path: auto` finds it', '`path: auto` finds it.'],
    ['write_interval is kept', 'write_interval is kept.'],
    ['192.0.2.7 is silent', '192.0.2.7 is silent.'],
    ['see the log (there).', 'See the log (there).'],
    ["n'a rien à donner", "N'a rien à donner."],
    ['planner.reserve is above it', 'planner.reserve is above it.'],
    ['  ', ''],
    [null, ''],
  ])('%j', (text, expected) => {
    expect(sentence(text)).toBe(expected);
  });
});
