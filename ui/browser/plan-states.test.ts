// The second view in states that a healthy demo cannot be brought into: the mock house makes them.
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startMock } from '../mock/server.mjs';
import { launch, open, type Watched } from './harness';

type Mock = Awaited<ReturnType<typeof startMock>>;
type Wanted = NonNullable<Parameters<typeof startMock>[0]>;

/** 16:12 in Paris on the eve of a red day. */
const EVE = Date.parse('2026-11-30T15:12:00Z');

let browser: Browser;
let mock: Mock | undefined;
let watched: Watched | undefined;

beforeAll(async () => {
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
});
afterEach(async () => {
  await watched?.close();
  await mock?.close();
  mock = watched = undefined;
});

/** The second view on a mock that sends nothing by itself. */
async function show(wanted: Wanted = {}, before: (page: Page) => Promise<unknown> = async () => null): Promise<{ mock: Mock; page: Page }> {
  mock = await startMock({ everyMs: null, shiftMs: EVE - Date.now(), ...wanted });
  watched = await open(browser, mock.url);
  await before(watched.page);
  await watched.page.goto(`${mock.url}#plan`);
  await watched.page.waitForSelector('[data-plan], main [data-state]:not([data-state=loading])');
  return { mock, page: watched.page };
}

test('a plan that is carried out is switched off and on with one click', async () => {
  const { mock, page } = await show();
  const pill = page.locator('[data-acting]');
  expect(await pill.textContent()).toContain('Being carried out');
  const knob = page.getByRole('switch', { name: 'Follow the plan' });
  await knob.click();
  await expect.poll(() => pill.textContent()).toContain('Switched off');
  await knob.click();
  await expect.poll(() => pill.textContent()).toContain('Being carried out');
  expect(mock.requests).toEqual([{ plan: false }, { plan: true }]);
  expect(watched?.complaints).toEqual([]);
});

test('a plan that is only shown has no switch', async () => {
  const { page } = await show({ ahead: 'advise' });
  await page.locator('[data-plan=advise]').waitFor();
  expect(await page.getByRole('switch').count()).toBe(0);
});

test('a battery’s runs follow each other, with reasons in the page’s language', async () => {
  const { page } = await show();
  const runs = page.locator('[data-battery=fase_a] li');
  expect(await runs.first().textContent()).toContain('now');
  const modes = await runs.evaluateAll((list) => list.map((run) => run.getAttribute('data-mode')));
  expect(modes).toEqual(['auto', 'hold', 'charge', 'hold', 'auto', 'auto']);
  expect(await runs.nth(2).textContent()).toMatch(/22:00–\d\d:\d\d.*Charge.*1\.20\u00a0kW.*tomorrow is red/s);
  await runs.nth(2).locator('details:not([data-by-hand]) summary').click();
  expect(await runs.nth(2).locator('tbody tr').count()).toBeGreaterThan(8);
  await page.getByLabel('Language').selectOption('fr');
  await expect.poll(() => runs.nth(2).textContent()).toContain('car demain est rouge');
});

test('the colours are told by name and pattern too', async () => {
  const { page } = await show();
  const strip = page.locator('[data-strip=colours]');
  expect(await strip.locator('rect[data-colour]').evaluateAll((list) => list.map((rect) => rect.getAttribute('data-colour')))).toEqual(['blue', 'red', 'unknown']);
  expect(await strip.locator('text').allTextContents()).toEqual(['Blue', 'Red', 'Unknown']);
  expect(await strip.locator('rect[data-colour=red]').getAttribute('fill')).toMatch(/^url/);
});

test('a colour is set by hand only after a second question, and taken back', async () => {
  const { mock, page } = await show();
  await page.locator('[data-set=white]').click();
  expect(mock.requests).toEqual([]);
  // Escape and the first button are the harmless answers.
  await page.keyboard.press('Escape');
  expect(await page.locator('[data-confirm]').count()).toBe(0);
  await page.locator('[data-set=white]').click();
  await page.locator('[data-confirm]').click();
  await page.locator('[data-tempo=tomorrow][data-colour=white]').waitFor();
  expect(mock.requests).toEqual([{ '2026-12-01': 'white' }]);
  await page.locator('[data-set=none]').click();
  await page.locator('[data-confirm]').click();
  await page.locator('[data-tempo=tomorrow][data-colour=red]').waitFor();
});

test('sources that disagree are shown with what they say and how likely each colour is', async () => {
  const { page } = await show({ ahead: 'disputed' });
  const card = page.locator('[data-card=tempo]');
  await card.getByText('The sources disagree').waitFor();
  expect(await card.textContent()).toMatch(/rte_site: Red, api_couleur_tempo: White/);
  expect(await card.textContent()).toMatch(/Blue 8\u00a0%, White 31\u00a0%, Red 61\u00a0%/);
});

test('a fallback is said prominently, with its cause', async () => {
  const { page } = await show({ ahead: 'fallback' });
  expect(await page.locator('[data-origin=fallback]').textContent()).toMatch(/fallback.*No plan was found: the solver had not enough time\./s);
});

test('a house without tariffs sees how to configure them, and no empty chart', async () => {
  const { page } = await show({ ahead: 'none' });
  expect(await page.locator('[data-state=not-configured]').textContent()).toContain('planner: { mode: advise }');
  expect(await page.locator('[data-chart], [data-card]').count()).toBe(0);
});

test('one part that fails takes no other with it', async () => {
  const fault = { error: { code: 'unavailable', message: 'the history is closed', hint: 'see the log' } };
  const { page } = await show({}, (page) => page.route('**/api/v1/money*', (route) => route.fulfill({ status: 503, json: fault })));
  await page.locator('[data-card=money]').getByText('The history is closed.').waitFor();
  await page.locator('[data-state=trouble]').getByText('The history is closed.').waitFor();
  expect(await page.locator('[data-chart=ahead], [data-plan], [data-card=tempo]').count()).toBe(3);
});

test('money is shown by day and by month', async () => {
  const { page } = await show();
  const card = page.locator('[data-card=money]');
  await card.locator('rect.cost').first().waitFor();
  expect(await card.locator('rect.cost').count()).toBe(30);
  expect(await card.textContent()).toMatch(/are not known/);
  await card.getByRole('button', { name: 'By month' }).click();
  await expect.poll(() => card.locator('rect.cost').count()).toBe(12);
});

test.each([
  ['spring', '2027-03-27T20:00:00Z', ['Sun 28 Mar']],
  ['autumn', '2026-10-24T20:00:00Z', ['Sun 25 Oct']],
])('the marks of time stay at full hours when the clocks change in %s', async (_, now, days) => {
  const { page } = await show({ shiftMs: Date.parse(now) - Date.now() });
  const labels = await page.locator('[data-chart=ahead] text.time').allTextContents();
  expect(labels).toEqual(expect.arrayContaining(days));
  const hours = labels.filter((text) => /^\d\d:\d\d$/.test(text)).map((text) => Number(text.slice(0, 2)) % 4);
  expect(hours.every((rest) => rest === 0)).toBe(true);
  expect(hours.length).toBeGreaterThan(6);
});

/** Every number, text and list of an answer becomes what a server in trouble may send. */
function spoiled(answer: unknown, spoil: (key: string, value: unknown) => unknown): unknown {
  return JSON.parse(JSON.stringify(answer), (key, value: unknown) => spoil(key, value)) as unknown;
}

test.each<[string, (key: string, value: unknown) => unknown]>([
  ['no figure is known', (_, value) => (typeof value === 'number' ? null : value)],
  ['all figures are zero', (_, value) => (typeof value === 'number' ? 0 : value)],
  ['figures are absurd', (_, value) => (typeof value === 'number' ? -1e300 : value)],
  ['there are no slots', (key, value) => (['slots', 'batteries', 'rows', 'days', 'sources'].includes(key) ? [] : value)],
  ['forecasts and colours are missing', (key, value) => (['load', 'pv', 'colour', 'odds', 'worth', 'fetched_at'].includes(key) ? null : value)],
  ['every other slot is missing', (key, value) => (key === 'slots' ? (value as unknown[]).filter((_, index) => index % 2 === 0) : value)],
  ['everything comes twice', (key, value) => (Array.isArray(value) && !['battery_w', 'soc_pct', 'modes', 'steps'].includes(key) ? (value as unknown[]).flatMap((one) => [one, one]) : value)],
  ['there is one slot', (key, value) => (['slots', 'rows'].includes(key) ? (value as unknown[]).slice(0, 1) : value)],
  ['the time ahead is over', (key, value) => (['start', 'end', 'made_at'].includes(key) ? new Date(Date.parse(String(value)) - 5 * 86_400_000).toISOString() : value)],
])('nothing breaks where %s', async (_, spoil) => {
  const { page } = await show({}, (page) =>
    page.route(/api\/v1\/(plan|outlook|tempo|money)/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: spoiled(await response.json(), spoil) });
    }),
  );
  await page.locator('[data-card=money]').waitFor();
  for (const summary of await page.locator('main summary').all()) await summary.click();
  expect(watched?.complaints).toEqual([]);
  const text = await page.locator('main').innerText();
  expect(text).not.toMatch(/NaN|Infinity|undefined|Invalid Date|\[object/);
  expect(await page.locator('main svg').evaluateAll((all) => all.some((svg) => /NaN|Infinity/.test(svg.outerHTML)))).toBe(false);
});
