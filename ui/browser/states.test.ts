// States that a healthy demo cannot be brought into: the mock house makes them.
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { fresh, unknown } from '../mock/devices.mjs';
import { startMock } from '../mock/server.mjs';
import { launch, open, openLive, type Watched } from './harness';

type Mock = Awaited<ReturnType<typeof startMock>>;
type Wanted = NonNullable<Parameters<typeof startMock>[0]>;

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

/** The page on a mock that sends nothing by itself. */
async function show(wanted: Wanted = {}, context = {}): Promise<{ mock: Mock; page: Watched['page'] }> {
  mock = await startMock({ everyMs: null, ...wanted });
  watched = await openLive(browser, mock.url, context);
  return { mock, page: watched.page };
}

describe('live', () => {
  test('a reading changes the card and the picture at once', async () => {
    const { mock, page } = await show();
    const card = page.locator('[data-device=fase_a]');
    const now = Date.now();
    mock.push('reading', { device: 'fase_a', at: '', values: { battery_power: fresh(-1_234, 'W', now), battery_soc: fresh(77.4, '%', now) } });
    await card.getByText('1.23 kW').waitFor();
    await card.getByText('charging', { exact: true }).waitFor();
    await card.getByText('77', { exact: true }).waitFor();

    mock.push('reading', { device: 'site', at: '', values: { grid_power: fresh(-4_321, 'W', now) } });
    await page.locator('.flow').getByText('4.32 kW').waitFor();
    expect(await page.locator('[data-word=grid]').textContent()).toBe('exporting');
    expect(await page.locator('[data-leg=grid]').getAttribute('data-direction')).toBe('taking');
  });

  test('without readings of the site the picture follows the devices', async () => {
    const { mock, page } = await show();
    mock.scenario.house = (values) => ({ ...values, load_power: fresh(7_770, 'W', Date.now()) });
    mock.push('reading', { device: 'fase_a', at: '', values: { battery_power: fresh(10, 'W', Date.now()) } });
    await page.locator('.flow').getByText('7.77 kW').waitFor();
  });

  test('a device that is taken out of the configuration leaves the page', async () => {
    const { mock, page } = await show();
    mock.scenario.devices = (list) => list.filter(({ device }) => device !== 'fase_b');
    mock.push('removed', { device: 'fase_b' });
    await page.locator('[data-device=fase_b]').waitFor({ state: 'detached' });
    expect(await page.locator('[data-device]').count()).toBe(2);
  });

  test('a value that turns unknown is a dash with its reason, and the device’s state follows', async () => {
    const { mock, page } = await show();
    const [device] = (await (await fetch(`${mock.url}api/v1/devices`)).json()) as Record<string, unknown>[];
    mock.scenario.devices = (list) => list.map((other) => (other.device === 'fase_a' ? { ...other, online: false } : other));
    mock.push('device', { ...device, online: false, values: undefined });
    await page.locator('[data-device=fase_a][data-online=false]').getByText('Offline').waitFor();
    // The page may be asking for the device at this very moment: both ways must say the same.
    const silent = { battery_power: unknown('W', 'The battery does not answer.') };
    mock.scenario.devices = (list) =>
      list.map((other) =>
        other.device === 'fase_a' ? { ...other, online: false, values: { ...(other.values as object), ...silent } } : other,
      );
    mock.push('reading', { device: 'fase_a', at: '', values: silent });
    await page.locator('[data-device=fase_a] [data-value=battery_power]', { hasText: '–' }).waitFor();
    await page.locator('[data-device=fase_a]').getByText('The battery does not answer.').waitFor();
  });

  test('the age of each value ticks', async () => {
    const { page } = await show();
    const card = page.locator('[data-device=fase_a]');
    await card.getByText('All values').click();
    const age = card.locator('[data-metric=battery_temperature] .age');
    const first = await age.textContent();
    expect(first).toMatch(/^2\d\ss ago$/);
    await expect.poll(() => age.textContent(), { timeout: 10_000 }).not.toBe(first);
  });
});

describe('unknown and offline', () => {
  test('an offline device is shown offline, with dashes and the reason', async () => {
    const { page } = await show();
    const card = page.locator('[data-device=fase_c]');
    expect(await card.getAttribute('data-online')).toBe('false');
    await card.getByText('Offline').waitFor();
    await card.getByText('Last answer:').waitFor();
    expect(await card.locator('[data-value=battery_power]').textContent()).toBe('–');
    await card.getByText('No answer since 02:14').waitFor();
    expect(await card.innerText()).not.toMatch(/\b0\s?(W|%)/);
  });

  test('an unknown power of the house is a dash with its reason, never 0', async () => {
    const why = 'The meter of Fase C is missing.';
    const { page } = await show({ house: (values) => ({ ...values, grid_power: unknown('W', why), load_power: unknown('W', why) }) });
    for (const metric of ['grid_power', 'load_power']) {
      expect(await page.locator(`.flow [data-value=${metric}]`).textContent()).toBe('–');
    }
    await page.locator('.flow').getByText(why).waitFor();
    expect(await page.locator('[data-leg=grid]').getAttribute('data-direction')).toBe('unknown');
    expect(await page.locator('.flow svg').getAttribute('aria-label')).toContain('Grid –');
  });

  test('a device that was not asked yet says so', async () => {
    const { page } = await show({ devices: (list) => list.slice(0, 1).map((device) => ({ ...device, online: null, since: null, values: {} })) });
    await page.locator('[data-device=fase_a][data-online=null]').getByText('Not asked yet').waitFor();
  });

  test('hostile names and texts are shown as text', async () => {
    const evil = '<img src=x onerror=alert(1)>';
    const { page } = await show({ name: evil, devices: (list) => list.map((device) => ({ ...device, name: evil, notices: [{ code: 'x', severity: 'odd', text: evil, hint: '' }, { code: 'x', severity: 'odd', text: evil, hint: '' }] })) });
    expect(await page.locator('h1').textContent()).toBe(evil);
    expect(await page.locator('img[src=x]').count()).toBe(0);
  });
});

describe('connection', () => {
  test('a lost connection is told, greys the figures, and comes back by itself', async () => {
    const { mock, page } = await show();
    mock.down();
    await page.locator('[data-connection=reconnecting]').getByText('Reconnecting').waitFor();
    await page.getByRole('alert').getByText('The live connection was lost').waitFor({ timeout: 15_000 });
    expect(await page.locator('.devices.lost').count()).toBe(1);
    mock.up();
    await page.waitForSelector('[data-connection=live]', { timeout: 40_000 });
    await page.getByRole('alert').waitFor({ state: 'detached' });
  });

  test('what was missed during the break is fetched', async () => {
    const { mock, page } = await show();
    mock.down();
    await page.waitForSelector('[data-connection=reconnecting]');
    mock.scenario.house = (values) => ({ ...values, load_power: fresh(6_660, 'W', Date.now()) });
    mock.up();
    await page.locator('.flow').getByText('6.66 kW').waitFor({ timeout: 40_000 });
  });

  test('without an answer at all the page says so and keeps trying', async () => {
    mock = await startMock({ everyMs: null });
    watched = await open(browser, mock.url);
    await watched.page.route('**/api/**', (route) => route.abort());
    await watched.page.goto(mock.url);
    await watched.page.locator('[data-state=unreachable]').getByRole('heading', { name: 'Ohmstead does not answer' }).waitFor();
    await watched.page.unroute('**/api/**');
    await watched.page.waitForSelector('[data-connection=live]', { timeout: 20_000 });
  });

  test('no devices: how to find some', async () => {
    const { page } = await show({ devices: () => [] });
    await page.locator('[data-state=no-devices]').getByText('ohmstead discover --yaml').waitFor();
  });

  test('an installation with a token asks for it', async () => {
    mock = await startMock({ everyMs: null, token: 'quite-a-long-token' });
    watched = await open(browser, mock.url);
    const { page } = watched;
    await page.goto(mock.url);
    await page.getByLabel('Token').fill('guess');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('The token is wrong.').waitFor();
    await page.getByLabel('Token').fill('quite-a-long-token');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.waitForSelector('[data-connection=live]');
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Token').waitFor();
  });
});

describe('control', () => {
  const wanted = (by: string, phase: string, ends: string | null) => (list: any[]) =>
    list.map((device) => (device.device === 'fase_a' ? { ...device, control: { wants: 'charge 800 W', by, phase, code: 'asked', reason: 'asked by hand (cli)', ends } } : device));

  test('what was asked by hand shows its time, and is ended with a button', async () => {
    const { mock, page } = await show({ devices: wanted('override', 'confirmed', new Date(Date.now() + 42.5 * 60_000).toISOString()) });
    const shown = page.locator('[data-device=fase_a] [data-wanted=override]');
    await shown.getByText('Charge 800 W').waitFor();
    await shown.getByText('Confirmed').waitFor();
    await shown.getByText(/^asked by hand · 4[0-2]\u00a0min left · until .*\d\d:\d\d$/).waitFor();
    await shown.getByRole('button', { name: 'End it' }).click();
    await expect.poll(() => mock.requests).toEqual([{ released: 'fase_a' }]);
  });

  test('what could not be ended says why', async () => {
    const refused = { status: 429, body: { error: { code: 'busy', message: 'the device is busy with earlier requests', hint: 'wait' } } };
    const { page } = await show({ devices: wanted('override', 'ineffective', null), modeAnswer: refused });
    const shown = page.locator('[data-device=fase_a] [data-wanted=override]');
    await shown.getByText('Without effect').waitFor();
    await shown.getByRole('button', { name: 'End it' }).click();
    await shown.getByRole('alert').getByText('The device is busy with earlier requests. Wait.').waitFor();
  });

  test('what the schedule wants has no button, and nothing is shown where nothing is wanted', async () => {
    const { page } = await show();
    await page.locator('[data-device=fase_b] [data-wanted=schedule]').getByText('by the schedule').waitFor();
    expect(await page.locator('[data-device=fase_b] [data-wanted] button').count()).toBe(0);
    expect(await page.locator('[data-device=fase_a] [data-wanted]').count()).toBe(0);
  });

  test('the parts that there are have a switch', async () => {
    const { mock, page } = await show();
    const parts = page.locator('[data-parts]');
    expect(await parts.locator('[data-part]').getByRole('switch').allInnerTexts()).toHaveLength(3);
    const schedule = parts.getByRole('switch', { name: 'Schedule' });
    expect(await schedule.getAttribute('aria-checked')).toBe('true');
    await schedule.click();
    await expect.poll(() => schedule.getAttribute('aria-checked')).toBe('false');
    expect(mock.requests).toEqual([{ schedule: false }]);
  });

  test('the windows say when, what and for whom, which is open, and are switched', async () => {
    const { mock, page } = await show();
    await page.locator('[data-parts]').scrollIntoViewIfNeeded();
    const window = (name: string) => page.locator(`[data-window=${name}]`);
    await window('guests').getByText('18:00–23:30 · Mon–Fri · Fase A · made while running').waitFor();
    await window('guests').getByText('Charge 800 W until 90 %').waitFor();
    await window('day').getByText('open now').waitFor();
    expect(await window('night').getAttribute('data-open')).toBe('false');
    const day = window('day').getByRole('switch');
    await day.click();
    await expect.poll(() => day.getAttribute('aria-checked')).toBe('false');
    await expect.poll(() => window('day').getAttribute('data-open')).toBe('false');
    expect(mock.requests).toEqual([{ 1: false, name: 'day' }]);
  });

  test('a limit is lowered, refused above the configuration, and given back', async () => {
    const { mock, page } = await show({ switches: { limits: true } });
    await page.locator('[data-parts]').scrollIntoViewIfNeeded();
    const limit = page.locator('[data-limit=multi_output]');
    await limit.getByText('20,000 W').waitFor();
    await limit.getByText('of 30,000 W in the configuration').waitFor();
    await limit.getByRole('button', { name: 'Change: Inverter output limit' }).click();
    const field = limit.getByRole('spinbutton');
    const set = limit.getByRole('button', { name: 'Set', exact: true });
    await field.fill('40000');
    await set.click();
    expect(await field.evaluate((input: HTMLInputElement) => input.validity.rangeOverflow)).toBe(true);
    expect(mock.requests).toEqual([]);
    await field.fill('15000');
    await set.click();
    await limit.getByText('15,000 W').waitFor();
    await expect.poll(() => field.inputValue()).toBe('');
    await limit.getByRole('button', { name: 'As configured' }).click();
    await limit.getByText('30,000 W').waitFor();
    await expect.poll(() => field.evaluate((input) => document.activeElement === input)).toBe(true);
    expect(mock.requests).toEqual([{ multi_output: 15_000 }, { multi_output: null }]);
  });

  test('what is typed for a limit stays until it counts, and the focus too', async () => {
    const { page } = await show({ switches: { limits: true } });
    await page.locator('[data-parts]').scrollIntoViewIfNeeded();
    const error = { code: 'not_kept', message: 'nothing was changed, for it would not survive a restart', hint: 'see the log' };
    await page.route('**/control/limits/multi_output', (route) => route.fulfill({ status: 503, json: { error } }));
    const limit = page.locator('[data-limit=multi_output]');
    await limit.getByRole('button', { name: 'Change' }).click();
    await limit.getByRole('spinbutton').fill('15000');
    const set = limit.getByRole('button', { name: 'Set', exact: true });
    await set.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('Nothing was changed').waitFor();
    expect(await limit.getByRole('spinbutton').inputValue()).toBe('15000');
    expect(await set.evaluate((button) => document.activeElement === button)).toBe(true);
  });

  test('a limit that the configuration holds anyway is not called lowered', async () => {
    const { page } = await show({ switches: { limits: true } });
    await page.locator('[data-parts]').scrollIntoViewIfNeeded();
    const limit = page.locator('[data-limit=feed_in]');
    await limit.getByText('5,000 W').waitFor();
    expect(await limit.getByText('in the configuration').count()).toBe(0);
  });

  test('where its details are gone the card says to reload', async () => {
    const { page } = await show();
    await page.route('**/Details-*.js', (route) => route.abort());
    await page.locator('[data-parts]').scrollIntoViewIfNeeded();
    await page.locator('[data-parts]').getByRole('alert').getByText('Reload the page').waitFor();
  });

  test('without any there is no card', async () => {
    const { page } = await show({ switches: { limits: null, plan: null, schedule: null, rotation: null } });
    expect(await page.locator('[data-parts]').count()).toBe(0);
  });
});

describe('mode', () => {
  async function control(wanted: Wanted = {}) {
    const shown = await show(wanted);
    const card = shown.page.locator('[data-device=fase_a]');
    await card.getByText('Set the mode').click();
    return { ...shown, card };
  }

  test('sends exactly what was chosen, and does not call the unmeasured confirmed', async () => {
    const { mock, card } = await control();
    await card.getByLabel('Mode', { exact: true }).selectOption('charge');
    await card.getByLabel('Power (W)').fill('1200');
    await card.getByLabel('Until charge (%)').fill('90');
    await card.getByLabel('For', { exact: true }).selectOption({ label: '2\u00a0h' });
    await card.getByText('Charge, 1.20 kW, until 90 %, for 2 h.').waitFor();
    await card.getByRole('button', { name: 'Set', exact: true }).click();
    await card.locator('[data-outcome=accepted_unmeasured]').getByText('Accepted, not measured').waitFor();
    expect(mock.requests).toEqual([{ mode: 'charge', power_w: 1_200, until_soc_pct: 90, for_s: 7_200 }]);
  });

  test('the maker’s own modes are sent as such', async () => {
    const { mock, card } = await control();
    await card.getByLabel('Mode', { exact: true }).selectOption('native:ai');
    await card.getByRole('button', { name: 'Set', exact: true }).click();
    await card.locator('[data-outcome]').waitFor();
    expect(mock.requests).toEqual([{ mode: 'native', native: 'ai' }]);
  });

  test('without a time it says how long that is', async () => {
    const { card } = await control();
    const time = card.getByLabel('For', { exact: true });
    expect(await time.locator('option').first().textContent()).toBe('until something else is asked');
    await card.getByText('the wish ends after 24\u00a0h').waitFor();
    await card.getByLabel('Mode', { exact: true }).selectOption('charge');
    expect(await time.locator('option').first().textContent()).toBe('usual: 1\u00a0h');
    await card.getByText('Charge, 800 W, for 1 h.').waitFor();
    await card.getByLabel('Mode', { exact: true }).selectOption('hold');
    expect(await time.locator('option').first().textContent()).toBe('usual: 24\u00a0h');
  });

  test('a refusal shows the server’s reason and hint', async () => {
    const { card } = await control();
    await card.getByLabel('Mode', { exact: true }).selectOption('discharge');
    await card.getByLabel('Power (W)').fill('9000');
    await card.getByRole('button', { name: 'Set', exact: true }).click();
    const refused = card.locator('[data-outcome=refused]');
    await refused.getByText('Fase A can discharge at 2,500 W at the most').waitFor();
    await refused.getByText('Ask for 2,500 W or less.').waitFor();
  });

  test('read only says so, and shows what would be written', async () => {
    const { page, card } = await control({ readOnly: true });
    await page.locator('[data-read-only]').getByText('Read only').waitFor();
    await card.getByText('the configuration says read_only').waitFor();
    await card.getByRole('button', { name: 'Try it (nothing is written)' }).click();
    await card.locator('[data-outcome=dry_run]').getByText('Nothing was written').waitFor();
    await page.locator('section', { hasText: 'Last actions' }).getByText('Dry run').first().waitFor();
  });

  test('a device without modes offers none', async () => {
    const { page } = await show({ devices: (list) => list.map((device) => ({ ...device, modes: [] })) });
    expect(await page.getByText('Set the mode').count()).toBe(0);
  });
});

describe('inverter', () => {
  const value = (id: string, wanted: number | string | null, unit: string | null = null) => (list: any[]) =>
    list.map((device) => ({ ...device, values: { ...device.values, [id]: wanted === null ? unknown(unit, 'not read yet') : fresh(wanted, unit, Date.now()) } }));

  test('its card says what it does, what it is set to, and where the power goes', async () => {
    const { page } = await show({ inverter: 'too' });
    const card = page.locator('[data-device=workshop]');
    expect(await card.locator('[data-mode]').textContent()).toBe('On battery');
    expect(await card.locator('[data-value=battery_power]').textContent()).toBe('534\u00a0W');
    const facts = await card.locator('[data-fact]').evaluateAll((list) => list.map((fact) => `${fact.getAttribute('data-fact')} ${fact.querySelector('dd')?.textContent}`));
    expect(facts).toEqual(['load_power 371\u00a0W', 'pv_power 998\u00a0W', 'grid_voltage 231.8\u00a0V', 'output_priority Solar, battery, grid']);
    expect(await page.locator('[data-device=fase_a] [data-fact]').count()).toBe(0);
  });

  test('faults and warnings stand out, by name', async () => {
    const { page } = await show({ inverter: 'alone', devices: (list) => value('inverter_warnings', 'battery_voltage_low, grid_failed')(value('inverter_faults', 'fan_locked')(list)) });
    const card = page.locator('[data-device=workshop]');
    await card.locator('[data-fact=inverter_faults]').getByText('fan locked').waitFor();
    await card.locator('[data-fact=inverter_warnings]').getByText('battery voltage low, grid failed').waitFor();
  });

  test('what it has not told is a dash with its reason', async () => {
    const { page } = await show({ inverter: 'alone', devices: value('grid_voltage', null, 'V') });
    const card = page.locator('[data-device=workshop]');
    expect(await card.locator('[data-fact=grid_voltage] dd').textContent()).toBe('–');
    await card.locator('.reasons').getByText('not read yet').waitFor();
  });

  test('what the driver knows folds out', async () => {
    const { page } = await show({ inverter: 'alone' });
    const card = page.locator('[data-device=workshop]');
    expect(await card.getByText('(PI30').count()).toBe(0);
    await card.getByText('What the driver knows').click();
    await card.getByRole('cell', { name: '(PI30', exact: true }).waitFor();
    await card.getByRole('cell', { name: 'an inverter of family PI30' }).waitFor();
  });

  test('its modes take no power and no time', async () => {
    const { mock, page } = await show({ inverter: 'alone' });
    const card = page.locator('[data-device=workshop]');
    await card.getByText('Set the mode').click();
    await card.getByLabel('Mode', { exact: true }).selectOption('native:sub');
    expect(await card.locator('form input').count()).toBe(0);
    await card.getByRole('button', { name: 'Set', exact: true }).click();
    await card.locator('[data-outcome]').waitFor();
    expect(mock.requests).toEqual([{ mode: 'native', native: 'sub' }]);
  });

  describe('in a house without a grid meter', () => {
    const flow = (page: Watched['page']) => page.locator('.flow');

    test('the grid is what remains, and losses are not export', async () => {
      const { page } = await show({ inverter: 'alone' });
      await flow(page).locator('[data-note=grid]').getByText('not measured but computed').waitFor();
      expect(await page.locator('[data-word=grid]').textContent()).toBe('losses');
      expect(await page.locator('[data-leg=grid]').getAttribute('data-direction')).toBe('idle');
      expect(await flow(page).locator('svg').getAttribute('aria-label')).toContain('Grid ≈ 93\u00a0W losses');
      expect(await page.locator('[data-leg=battery]').getAttribute('data-direction')).toBe('taking');
    });

    test('import over it is import', async () => {
      const { page } = await show({ inverter: 'alone', house: (values) => ({ ...values, grid_power: fresh(1_250, 'W', Date.now()) }) });
      expect(await page.locator('[data-word=grid]').textContent()).toBe('importing');
      expect(await page.locator('[data-leg=grid]').getAttribute('data-direction')).toBe('feeding');
    });

    test('a dead grid gives nothing, whatever the sum says', async () => {
      const { page } = await show({ inverter: 'alone', devices: value('grid_voltage', 0, 'V') });
      await flow(page).getByText('There is no voltage at the grid input of Workshop.').waitFor();
      expect(await page.locator('.flow [data-value=grid_power]').textContent()).toBe('–');
      expect(await page.locator('[data-leg=grid]').getAttribute('data-direction')).toBe('idle');
    });

    test('with a meter beside it the figure is measured', async () => {
      const { page } = await show({ inverter: 'too' });
      expect(await page.locator('[data-note=grid]').count()).toBe(0);
      expect(await flow(page).locator('svg').getAttribute('aria-label')).not.toContain('≈');
    });
  });
});

describe('settings', () => {
  async function settings(wanted: Wanted = {}) {
    const shown = await show({ inverter: 'alone', ...wanted });
    const card = shown.page.locator('[data-device=workshop]');
    await card.getByText('Settings', { exact: true }).click();
    const row = (name: string) => card.locator(`[data-setting=${name}]`);
    await row('output_priority').waitFor();
    return { ...shown, card, row };
  }

  test('a priority is set at once, and shown until the inverter tells it itself', async () => {
    const { mock, page, row } = await settings();
    const priority = row('output_priority');
    expect(await priority.getByRole('button').count()).toBe(0);
    await priority.getByLabel('Output source priority').selectOption({ label: 'Solar, grid, battery' });
    await priority.getByText('now Solar, battery, grid').waitFor();
    await priority.getByRole('button', { name: 'Set' }).click();
    await priority.locator('[data-outcome=accepted_unmeasured]').getByText('read back', { exact: true }).waitFor();
    expect(mock.requests).toEqual([{ output_priority: 'solar_first' }]);
    expect(await priority.getByRole('combobox').inputValue()).toBe('solar_first');
    expect(await priority.getByRole('button').count()).toBe(0);
    await page.locator('section', { hasText: 'Last actions' }).getByText('output_priority=solar_first').waitFor();

    // Somebody else sets it back: what is told afterwards wins.
    const later = Date.now() + 5_000;
    mock.push('reading', { device: 'workshop', at: '', values: { output_priority: fresh('utility_first', null, later, 0) } });
    await expect.poll(() => priority.getByRole('combobox').inputValue()).toBe('utility_first');
  });

  test('what could do harm asks a second time, with the harmless answer nearer', async () => {
    const { mock, page, row } = await settings();
    const float = row('battery_float_voltage');
    await float.getByText('48.0 – 58.4\u00a0V').waitFor();
    await float.getByLabel('Float charging voltage').fill('54.4');
    await page.keyboard.press('Enter');
    const question = float.getByRole('group', { name: 'Set “Float charging voltage” from 54.0\u00a0V to 54.4\u00a0V?' });
    await question.getByText('can damage its battery').waitFor();
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim());
    expect(await focused()).toBe('Cancel');
    await page.keyboard.press('Escape');
    await question.waitFor({ state: 'detached' });
    expect(await focused()).toBe('Set');
    expect(mock.requests).toEqual([]);

    await page.keyboard.press('Enter');
    await question.getByRole('button', { name: 'Yes, set it' }).click();
    await float.locator('[data-outcome=accepted_unmeasured]').waitFor();
    expect(mock.requests).toEqual([{ battery_float_voltage: 54.4 }]);
  });

  test('another value takes the question back', async () => {
    const { mock, row } = await settings();
    const current = row('charge_current_max');
    await current.getByRole('combobox').selectOption('30');
    await current.getByRole('button', { name: 'Set' }).click();
    await current.getByRole('group').waitFor();
    await current.getByRole('combobox').selectOption('80');
    expect(await current.getByRole('group').count()).toBe(0);
    expect(mock.requests).toEqual([]);
  });

  test('a number outside its limits or between its steps is not even sent', async () => {
    const { mock, row } = await settings();
    const float = row('battery_float_voltage');
    for (const wrong of ['99', '-1', '54.05', '']) {
      await float.getByRole('spinbutton').fill(wrong);
      const button = float.getByRole('button', { name: 'Set' });
      if (await button.count()) await button.click();
      expect(await float.getByRole('group').count()).toBe(0);
    }
    expect(mock.requests).toEqual([]);
  });

  test('a refusal shows the server’s reason and hint, and the wish stays', async () => {
    const body = { error: { code: 'busy', message: 'the device is busy with earlier requests', hint: 'wait for the attempts under way' } };
    const { row } = await settings({ modeAnswer: { status: 429, body } });
    const priority = row('output_priority');
    await priority.getByRole('combobox').selectOption('utility_first');
    await priority.getByRole('button', { name: 'Set' }).click();
    await priority.locator('[data-outcome=refused]').getByText('wait for the attempts under way').waitFor();
    expect(await priority.getByRole('combobox').inputValue()).toBe('utility_first');
    await priority.getByText('now Solar, battery, grid').waitFor();
  });

  test('read only says so, asks nothing, and shows what would be written', async () => {
    const { card, row } = await settings({ readOnly: true });
    await card.getByText('the configuration says read_only').waitFor();
    const float = row('battery_float_voltage');
    await float.getByRole('spinbutton').fill('54.4');
    await float.getByRole('button', { name: 'Try it (nothing is written)' }).click();
    await float.locator('[data-outcome=dry_run]').getByText('Nothing was written').waitFor();
    await float.getByText('now 54.0\u00a0V').waitFor();
  });

  test('a present value that is unknown or not on offer is shown as it is', async () => {
    const { row } = await settings({
      devices: (list: any[]) =>
        list.map((device) => ({
          ...device,
          values: { ...device.values, charge_current_max: fresh(55, 'A', Date.now()), charger_priority: unknown(null, 'not read yet') },
        })),
    });
    expect(await row('charge_current_max').locator('option:checked').textContent()).toBe('55\u00a0A');
    expect(await row('charger_priority').locator('option:checked').textContent()).toBe('–');
    await row('charger_priority').getByText('not read yet').waitFor();
  });

  test('a device without settings and without evidence offers neither', async () => {
    const { page } = await show();
    await page.locator('[data-device=fase_a]').waitFor();
    expect(await page.getByText('Settings', { exact: true }).count()).toBe(0);
    expect(await page.getByText('What the driver knows').count()).toBe(0);
  });
});

describe('taste', () => {
  test('the dots run, unless the person wants less motion', async () => {
    const { page } = await show({ house: (values) => ({ ...values, grid_power: fresh(2_000, 'W', Date.now()) }) });
    const animation = () => page.locator('[data-leg=grid] .dots').evaluate((dots) => getComputedStyle(dots).animationName);
    expect(await animation()).not.toBe('none');
    await page.emulateMedia({ reducedMotion: 'reduce' });
    expect(await animation()).toBe('none');
  });

  test('dark follows the system, and the person’s choice wins and stays', async () => {
    const { page } = await show({}, { colorScheme: 'dark' });
    const theme = () => page.locator('html').getAttribute('data-theme');
    expect(await theme()).toBe('dark');
    await page.getByRole('button', { name: /Colours/ }).click();
    expect(await theme()).toBe('light');
    await page.reload();
    await page.waitForSelector('[data-connection=live]');
    expect(await theme()).toBe('light');
  });

  test('the language follows the browser, and the person’s choice wins and stays', async () => {
    const { page } = await show({}, { locale: 'nl-NL' });
    await page.getByRole('heading', { name: 'Apparaten' }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('nl');
    await page.getByLabel('Taal').selectOption('et');
    await page.reload();
    await page.getByRole('heading', { name: 'Seadmed' }).waitFor();
  });
});
