// What is asked by hand in the second view, on the mock house: asked, shown, taken back, and nothing else ended by it.
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startMock } from '../mock/server.mjs';
import { launch, open, type Watched } from './harness';

type Mock = Awaited<ReturnType<typeof startMock>>;
type Wanted = NonNullable<Parameters<typeof startMock>[0]>;

/** 16:12:20 in Paris on the eve of a red day. */
const EVE = Date.parse('2026-11-30T15:12:20Z');
const MINUTE = 60_000;
const FAULT = { error: { code: 'unavailable', message: 'what was asked cannot be read', hint: '' } };

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

/** The second view on a mock that was brought into its state by `before`. */
async function show(wanted: Wanted, before: (mock: Mock, page: Page) => unknown = () => null): Promise<{ mock: Mock; page: Page; run: (index: number) => Locator }> {
  mock = await startMock({ everyMs: null, shiftMs: EVE - Date.now(), ...wanted });
  watched = await open(browser, mock.url);
  await before(mock, watched.page);
  await watched.page.goto(`${mock.url}#plan`);
  const { page } = watched;
  await page.waitForSelector('[data-plan], main [data-state]:not([data-state=loading])');
  return { mock, page, run: (index) => page.locator('[data-battery=fase_a] li').nth(index) };
}

async function unfold(run: Locator): Promise<Locator> {
  await run.locator('[data-by-hand] summary').click();
  return run.locator('[data-take-back]');
}

/** Another look at everything, as a minute later or when the page is looked at again. */
const lookAgain = (page: Page): Promise<unknown> => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));

const at = (afterMs: number): string => new Date(EVE + afterMs).toISOString();
const failing = (page: Page) => page.route('**/api/v1/plan/overrides', (route) => route.fulfill({ status: 503, json: FAULT }));

test('a stretch to come is asked for, shown, and taken back once', async () => {
  const { mock, page, run } = await show({}, (mock) => mock.asked.release('fase_a'));
  const back = await unfold(run(1));
  await run(1).locator('[data-set=idle]').click();
  await run(1).getByText(/Asked by hand, until \d\d:\d\d: “Idle.*”\. The plan follows within seconds\./).waitFor();
  expect(mock.requests).toMatchObject([{ device: 'fase_a', mode: 'idle' }]);
  mock.replan();
  await lookAgain(page);
  await page.locator('[data-battery=fase_a] li.idle').getByText(/^Asked by hand, until \d\d:\d\d\.$/).waitFor();
  await back.click();
  await expect.poll(() => mock.requests.at(-1)).toEqual({ take_back: 1 });
  // The plan still shows it; what counts now is none of its business.
  await run(1).locator('[data-hand=gone]').waitFor();
  expect(await back.count()).toBe(0);
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('SUMMARY');
  mock.replan();
  await lookAgain(page);
  await expect.poll(() => page.locator('[data-hand]').count()).toBe(0);
  expect(mock.requests.length).toBe(2);
  expect(watched?.complaints).toEqual([]);
});

test('what counts now is released', async () => {
  const { mock, run } = await show({}, (mock) => {
    mock.asked.ask('fase_a', 'charge', 7_200);
    mock.replan();
  });
  await run(0).getByText(/^Asked by hand, until 18:12\.$/).waitFor();
  const back = await unfold(run(0));
  expect(await run(1).locator('[data-take-back]').count()).toBe(0);
  await back.click();
  await run(0).locator('[data-hand=gone]').waitFor();
  expect(mock.requests).toEqual([{ released: 'fase_a' }]);
});

test('of a stretch that has begun and of what was asked within it, what counts is taken back', async () => {
  const { mock, page, run } = await show({}, (mock) => {
    mock.asked.add({ device: 'fase_a', mode: 'idle', from: at(MINUTE), to: at(168 * MINUTE) });
    mock.scenario.shiftMs += 20 * MINUTE;
    mock.replan();
  });
  await page.locator('[data-battery=fase_a] li.idle.now').waitFor();
  const back = await unfold(run(0));
  await run(0).locator('[data-set=charge]').click();
  await run(0).getByText(/Asked by hand, until .*: “Charge”/).waitFor();
  await back.click();
  await expect.poll(() => mock.requests.at(-1)).toEqual({ released: 'fase_a' });
});

test('a stretch that has begun is taken back by its number', async () => {
  const { mock, run } = await show({}, (mock) => {
    mock.asked.add({ device: 'fase_a', mode: 'idle', from: at(MINUTE), to: at(168 * MINUTE) });
    mock.scenario.shiftMs += 20 * MINUTE;
    mock.replan();
  });
  await (await unfold(run(0))).click();
  await expect.poll(() => mock.requests).toEqual([{ take_back: 1 }]);
});

test('what cannot be read is not taken for nothing', async () => {
  const { mock, page, run } = await show({}, async (mock, page) => {
    mock.asked.ask('fase_a', 'charge', 7_200);
    mock.replan();
    await failing(page);
  });
  await page.locator('[data-state=trouble]').getByText('What was asked cannot be read.').waitFor();
  await run(0).getByText(/not known at present/).waitFor();
  const back = await unfold(run(0));
  expect(await back.getAttribute('aria-disabled')).toBe('true');
  await back.click({ force: true });
  await page.unroute('**/api/v1/plan/overrides');
  await lookAgain(page);
  await expect.poll(() => back.getAttribute('aria-disabled')).toBe('false');
  expect(mock.requests).toEqual([]);
});

test('a run that began within this minute is asked for now', async () => {
  const { mock, page, run } = await show({ madeAgoMs: 5_000 });
  expect(await run(0).locator('time').textContent()).toMatch(/^16:12–/);
  expect(await run(0).locator('.badge').textContent()).toBe('now');
  await unfold(run(0));
  await run(0).locator('[data-set=idle]').click();
  await run(0).getByText(/Asked by hand, until .*: “Idle/).waitFor();
  expect(mock.requests).toMatchObject([{ mode: 'idle', for_s: expect.any(Number) }]);
  expect(await page.getByRole('alert').count()).toBe(0);
});

test('an attempt that failed says why', async () => {
  const entry = { reason: 'the device gave no answer' };
  const { run } = await show({ modeAnswer: { status: 200, body: { outcome: 'failed', entry } } });
  await unfold(run(0));
  await run(0).locator('[data-set=idle]').click();
  await run(0).getByRole('alert').getByText('The device gave no answer.').waitFor();
});

test('what was asked ahead is listed without a plan too, and taken back', async () => {
  const { mock, page } = await show({ ahead: 'none' }, (mock) => {
    mock.asked.add({ device: 'fase_b', mode: 'charge 800 W until 90 %', from: at(28 * 60 * MINUTE), to: at(30 * 60 * MINUTE) });
    mock.asked.add({ device: 'fase_a', mode: 'idle', from: at(MINUTE), to: at(60 * MINUTE) });
    mock.scenario.shiftMs += 2 * MINUTE;
  });
  const rows = page.locator('[data-asked-ahead] li');
  expect(await rows.nth(0).locator('p').allTextContents()).toEqual([expect.stringMatching(/^16:13–17:12 ?now$/), 'Fase A Idle: neither charge nor discharge']);
  expect(await rows.nth(1).textContent()).toMatch(/Tue,? 1 Dec, 20:12–22:12.*Fase B.*Charge 800\u00a0W until 90\u00a0%/s);
  await page.getByRole('button', { name: /Take back: Fase B/ }).click();
  await expect.poll(() => rows.count()).toBe(1);
  expect(mock.requests).toEqual([{ take_back: 1 }]);
  await rows.getByRole('button').click();
  await expect.poll(() => page.locator('[data-asked-ahead]').count()).toBe(0);
});

test('that it cannot be read is told without a plan too', async () => {
  const { page } = await show({ ahead: 'none' }, (_, page) => failing(page));
  await page.locator('[data-state=trouble]').getByText('What was asked cannot be read.').waitFor();
});

test('what somebody else took back meanwhile is no trouble', async () => {
  const { mock, page } = await show({ ahead: 'none' }, (mock) => void mock.asked.add({ device: 'fase_a', mode: 'idle', from: at(30 * MINUTE), to: at(60 * MINUTE) }));
  await page.locator('[data-asked-ahead]').waitFor();
  mock.asked.remove(1);
  await page.getByRole('button', { name: /Take back/ }).click();
  await expect.poll(() => page.locator('[data-asked-ahead]').count()).toBe(0);
  expect(await page.getByRole('alert').count()).toBe(0);
});
