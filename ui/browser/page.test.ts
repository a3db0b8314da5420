// What must hold with any server behind the page: these run against $OHMSTEAD_BIN demo where it is set.
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Device, Site } from '../src/api/types';
import { civil } from '../src/format/time';
import { launch, open, openLive, serve, unfold, type Server } from './harness';

let browser: Browser;
let server: Server;
let site: Site;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), serve()]);
  site = (await (await fetch(`${server.url}api/v1/site`)).json()) as Site;
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** Keeps every text that is drawn on a canvas. */
async function watchCanvas(page: Page): Promise<() => Promise<string[]>> {
  await page.addInitScript(() => {
    const drawn: string[] = [];
    const original = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text: string, ...rest: [number, number]) {
      drawn.push(text);
      original.call(this, text, ...rest);
    };
    Object.assign(window, { drawnTexts: drawn });
  });
  return () => page.evaluate(() => (window as unknown as { drawnTexts: string[] }).drawnTexts);
}

test('no complaint, no breach of the policy, no request off the host', async () => {
  const { page, complaints, strays, close } = await openLive(browser, server.url);
  await unfold(page);
  for (const range of ['6 h', '7 days', '30 days', '1 year', '24 h']) await page.getByRole('button', { name: range, exact: true }).click();
  await page.getByRole('button', { name: /Colours/ }).click();
  await page.getByLabel('Language').selectOption('de');
  await page.getByRole('heading', { name: 'Geräte' }).waitFor();
  await page.waitForLoadState('networkidle', { timeout: 3_000 }).catch(() => undefined);
  expect(complaints).toEqual([]);
  expect(strays).toEqual([]);
  await close();
});

test('the page itself carries no inline script and no inline style', async () => {
  for (const path of ['', 'docs/']) {
    const html = await (await fetch(`${server.url}${path}`)).text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)/i);
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=/i);
    expect(html).not.toMatch(/https?:\/\//);
  }
});

test('the JavaScript of one visit is small', async () => {
  const { page, close } = await open(browser, server.url);
  const scripts: Promise<Buffer>[] = [];
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script') scripts.push(response.body());
  });
  await page.goto(server.url);
  await page.waitForSelector('[data-connection=live]');
  const bodies = await Promise.all(scripts);
  expect(bodies.length).toBeGreaterThan(1);
  expect(bodies.reduce((sum, body) => sum + gzipSync(body, { level: 9 }).length, 0)).toBeLessThan(64_000);
  await close();
});

test('a value on the page changes by itself', async () => {
  const { page, close } = await openLive(browser, server.url);
  const figures = () => page.locator('[data-value]').allTextContents();
  const before = JSON.stringify(await figures());
  // A house at night may rest for minutes; a battery that is told to charge does not. The page is not told, it must hear.
  const wish = { mode: 'charge', power_w: 400, for_s: 60 };
  const devices = (await (await fetch(`${server.url}api/v1/devices`)).json()) as Device[];
  const battery = devices.find(({ driver }) => driver === 'marstek')?.device;
  const asked = fetch(`${server.url}api/v1/devices/${battery}/mode`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(wish),
  });
  const deadline = Date.now() + 45_000;
  let after = before;
  while (after === before && Date.now() < deadline) {
    await page.waitForTimeout(250);
    after = JSON.stringify(await figures());
  }
  expect(after).not.toBe(before);
  expect((await asked).status).toBe(200);
  await close();
});

test('a chart of a year is drawn soon after the click', async () => {
  const { page, close } = await openLive(browser, server.url);
  await page.waitForSelector('[data-range="24h"]');
  await page.getByRole('button', { name: '1 year', exact: true }).scrollIntoViewIfNeeded();
  const tookMs = await page.evaluate(async () => {
    const button = [...document.querySelectorAll('button')].find(({ textContent }) => textContent?.trim() === '1 year');
    const clicked = performance.now();
    button?.click();
    while (!document.querySelector('[data-range="1y"]')) await new Promise(requestAnimationFrame);
    return performance.now() - clicked;
  });
  console.log(`a chart of a year: ${tookMs.toFixed(0)} ms from the click to the frame in which it is drawn`);
  expect(tookMs).toBeLessThan(5_000);
  await close();
});

test('times are the site’s, not the browser’s', async () => {
  // Honolulu is 11 or 12 hours from Europe and never the same hour.
  const { page, close } = await open(browser, server.url, { timezoneId: 'Pacific/Honolulu' });
  const texts = await watchCanvas(page);
  await page.goto(server.url);
  await page.waitForSelector('[data-connection=live]');
  const { hour, minute } = civil(Date.parse(((await (await fetch(`${server.url}api/v1/site`)).json()) as Site).now), site.timezone);
  const [shownHour = NaN, shownMinute = NaN] = (await page.locator('[data-clock]').textContent())!.split(':').map(Number);
  const apart = Math.abs(shownHour * 60 + shownMinute - (hour * 60 + minute));
  expect(Math.min(apart, 1_440 - apart)).toBeLessThanOrEqual(2);

  await expect.poll(async () => (await texts()).filter((text) => /^\d\d:\d\d$/.test(text)).length, { timeout: 10_000 }).toBeGreaterThan(2);
  const marks = (await texts()).filter((text) => /^\d\d:\d\d$/.test(text)).map((text) => text.split(':').map(Number));
  expect(marks.every(([, minutes]) => minutes === 0)).toBe(true);
  // The marks are at most four hours apart, so the last one, or the midnight after it, is that near to the site's now.
  const sinceLast = (hour - (marks.at(-1)?.[0] ?? NaN) + 24) % 24;
  expect(sinceLast).toBeLessThan(8);
  await close();
});

describe('on a telephone', () => {
  test.each(['en-GB', 'fr-FR', 'nl-NL', 'et-EE', 'de-DE'])('nothing sticks out sideways in %s', async (locale) => {
    const { page, close } = await openLive(browser, server.url, { locale, viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
    await unfold(page);
    for (const select of await page.locator('form select').all()) {
      const options = await select.locator('option').allTextContents();
      if (options.length > 3) await select.selectOption({ index: 3 });
    }
    const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    expect(outer).toBe(390);
    expect(inner).toBeLessThanOrEqual(390);
    await close();
  });
});

test('the keyboard reaches and works every control', async () => {
  const { page, close } = await openLive(browser, server.url);
  const reached = async (): Promise<string[]> => {
    const names: string[] = [];
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    for (let step = 0; step < 120; step += 1) {
      await page.keyboard.press('Tab');
      const name = await page.evaluate(() => {
        const at = document.activeElement;
        if (!at || at === document.body) return null;
        return `${at.tagName.toLowerCase()} ${at.getAttribute('role') ?? ''} ${(at.getAttribute('aria-label') ?? at.textContent ?? '').trim()}`;
      });
      if (name === null) break;
      names.push(name);
    }
    return names;
  };
  const folded = (await reached()).join('\n');
  for (const wanted of ['a  Skip', 'select  Language', 'button  Colours', 'button  6 h', 'button  Solar', 'div slider', 'summary  All values', 'summary  Set the mode']) {
    expect(folded).toContain(wanted);
  }

  // A fold-out opens with Enter, and what is in it is reached next.
  await page.locator('summary', { hasText: 'Set the mode' }).first().focus();
  await page.keyboard.press('Enter');
  await page.locator('form select').first().waitFor();
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('SELECT');
  expect((await reached()).join('\n')).toMatch(/button {2}(Set|Try it)/);

  // So does the one with the settings of an inverter, and each of them is reached.
  await page.locator('summary', { hasText: 'Settings' }).first().focus();
  await page.keyboard.press('Enter');
  await page.locator('[data-setting] select').first().waitFor();
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.closest('[data-setting]')?.getAttribute('data-setting'))).toBe('output_priority');

  // The chart's line of reading follows the arrows.
  const chart = page.getByRole('slider');
  await expect.poll(() => chart.getAttribute('aria-valuemax')).not.toBe('0');
  const before = await chart.getAttribute('aria-valuetext');
  await chart.focus();
  await page.keyboard.press('PageDown');
  await page.keyboard.press('PageDown');
  expect(await chart.getAttribute('aria-valuetext')).not.toBe(before);
  await close();
});

test('the explorer of the API works without the internet', async () => {
  const { page, complaints, strays, close } = await open(browser, server.url);
  await page.goto(`${server.url}docs/`);
  const operation = page.locator('.opblock-summary').first();
  await operation.waitFor();
  await operation.click();
  await page.getByRole('button', { name: 'Try it out' }).first().click();
  await page.getByRole('button', { name: 'Execute' }).first().waitFor();
  expect(complaints).toEqual([]);
  expect(strays).toEqual([]);
  await close();
});
