// The second view: what must hold with any server behind it. These run against $OHMSTEAD_BIN demo where that is set; a binary
// that does not answer api/v1/plan yet is passed over.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest';
import { launch, open, openLive, serve, type Server } from './harness';

let browser: Browser;
let server: Server;
let isThere = false;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), serve()]);
  isThere = (await fetch(`${server.url}api/v1/plan`)).status !== 404;
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

function onlyIfThere({ skip }: TestContext): void {
  if (!isThere) skip('this binary does not answer api/v1/plan');
}

/** Opens the view by its link and waits until it shows something. */
async function openPlan(page: Page): Promise<void> {
  await page.getByRole('link', { name: /^(Plan|Plaan)$/ }).click();
  await page.waitForSelector('[data-plan], [data-state=not-configured]');
}

/** A browser writes each 409 of a house without tariffs into its console; that is no complaint of ours. */
const serious = (complaints: string[]): string[] => complaints.filter((text) => !text.includes('409'));

test('it is reached by its link and by its address, and the way back is there', async (context) => {
  onlyIfThere(context);
  const { page, complaints, strays, close } = await openLive(browser, server.url);
  await openPlan(page);
  expect(new URL(page.url()).hash).toBe('#plan');
  await page.reload();
  await page.waitForSelector('[data-plan], [data-state=not-configured]');
  await page.getByLabel('Language').selectOption('de');
  await page.getByRole('link', { name: 'Jetzt' }).waitFor();
  await page.getByRole('button', { name: /Farben/ }).click();
  await page.goBack();
  await page.waitForSelector('.flow');
  expect(serious(complaints)).toEqual([]);
  expect(strays).toEqual([]);
  await close();
});

test('the first view does not fetch it', async (context) => {
  onlyIfThere(context);
  const { page, close } = await open(browser, server.url);
  const fetched: string[] = [];
  page.on('request', (request) => fetched.push(request.url()));
  await page.goto(server.url);
  await page.waitForSelector('[data-connection=live]');
  await page.waitForTimeout(500);
  expect(fetched.filter((url) => /PlanView|api\/v1\/(plan|outlook|tempo|money)/.test(url))).toEqual([]);
  await openPlan(page);
  expect(fetched.filter((url) => url.includes('api/v1/plan'))).not.toEqual([]);
  await close();
});

test.each(['en-GB', 'fr-FR', 'nl-NL', 'et-EE', 'de-DE'])('on a telephone nothing sticks out sideways in %s', async (locale) => {
  if (!isThere) return;
  const { page, close } = await openLive(browser, server.url, { locale, viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
  await openPlan(page);
  for (const summary of await page.locator('main summary').all()) await summary.click();
  const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  expect(outer).toBe(390);
  expect(inner).toBeLessThanOrEqual(390);
  await close();
});

test('the keyboard moves through the chart and the season', async (context) => {
  onlyIfThere(context);
  const { page, close } = await openLive(browser, server.url);
  await openPlan(page);
  const chart = page.locator('[data-chart=ahead]').getByRole('slider');
  if (await chart.count()) {
    const before = await chart.getAttribute('aria-valuetext');
    await chart.focus();
    await page.keyboard.press('PageUp');
    expect(await chart.getAttribute('aria-valuetext')).not.toBe(before);
    await page.keyboard.press('Home');
    expect(await chart.getAttribute('aria-valuenow')).toBe('0');
  }
  const grid = page.getByRole('grid');
  if (await grid.count()) {
    const cell = () => page.evaluate(() => document.activeElement?.getAttribute('data-date') ?? null);
    expect(await grid.locator('[tabindex="0"]').count()).toBe(1);
    await grid.locator('[tabindex="0"]').focus();
    await page.keyboard.press('Home');
    expect(await cell()).toMatch(/-09-01$/);
    await page.keyboard.press('ArrowDown');
    await expect.poll(cell).toMatch(/-10-01$/);
    await page.keyboard.press('ArrowRight');
    await expect.poll(cell).toMatch(/-10-02$/);
    expect(await page.locator('[data-day]').getAttribute('data-day')).toMatch(/-10-02$/);
  }
  await close();
});
