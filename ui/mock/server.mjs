// A mock server that keeps the REST contract, for developing the page and for its browser tests. It serves the built page
// under the same strict content security policy as the product.
import { createServer } from 'node:http';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ahead } from './ahead.mjs';
import { byHand } from './byhand.mjs';
import { CATALOGUE } from './catalogue.mjs';
import { devices, house } from './devices.mjs';
import { history } from './history.mjs';
import { FACTORY, inverter, itsHouse, takes } from './inverter.mjs';
import { OPENAPI } from './openapi.mjs';

export const CSP =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

const ASSETS = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'crates', 'web', 'assets');
/** @type {Record<string, string>} */
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

/**
 * What a test may change while the server runs.
 * @typedef {object} Scenario
 * @property {boolean} readOnly
 * @property {string} timezone
 * @property {string} name
 * @property {number} shiftMs how far the server's clock is ahead of the real one: noon, or another season
 * @property {number | null} everyMs a reading of each device so often; null for none by itself
 * @property {(list: ReturnType<typeof devices>) => any[]} devices changes the list of devices
 * @property {(values: Record<string, any>) => Record<string, any>} house changes the house's values
 * @property {string | null} token wanted before anything is told
 * @property {'none' | 'too' | 'alone'} inverter whether the house has an inverter, or nothing else
 * @property {'tempo' | 'advise' | 'fallback' | 'disputed' | 'none'} ahead what lies ahead of it; `none`: neither tariff nor forecast nor planner
 * @property {Record<string, boolean | null>} switches the parts of control that are there, and whether they are on
 * @property {number} madeAgoMs how old the plan is at the start; it is made anew when a test says so, or by itself where readings come by themselves
 * @property {any} modeAnswer overrides the answer to a wish: {status, body}
 */

/** So long after something was asked by hand the plan is made anew. */
const REPLANNED_MS = 5_000;

/** And at the latest when it is so old. */
const PLAN_MS = 300_000;

/** @type {Scenario} */
const ORDINARY = {
  readOnly: false,
  timezone: 'Europe/Paris',
  name: 'Orchard House',
  shiftMs: 0,
  everyMs: 2_000,
  devices: (list) => list,
  house: (values) => values,
  token: null,
  inverter: 'none',
  ahead: 'tempo',
  switches: {},
  madeAgoMs: 130_000,
  modeAnswer: null,
};

/** @param {Partial<Scenario> & { port?: number }} wanted */
export async function startMock(wanted = {}) {
  const scenario = { ...ORDINARY, ...wanted };
  /** @type {Set<import('node:http').ServerResponse>} */
  const streams = new Set();
  const nowMs = () => Date.now() + scenario.shiftMs;
  /** @type {any[]} */
  const ledger = examples(nowMs());
  /** @type {any[]} */
  const requests = [];
  let isUp = true;
  const started = new Date(nowMs()).toISOString();

  /** @type {Record<string, boolean | null>} */
  const switches = { limits: null, plan: scenario.ahead === 'none' || scenario.ahead === 'advise' ? null : true, tempo: null, schedule: true, rotation: false, ...scenario.switches };
  const asked = byHand(nowMs);
  /** @type {import('./ahead.mjs').Basis} */
  let basis = { madeMs: nowMs() - scenario.madeAgoMs, pins: [] };
  const replan = () => void (basis = { madeMs: nowMs(), pins: asked.pins() });
  const future = ahead(nowMs, () => scenario, switches, () => basis);
  const windows = someWindows();
  const limits = someLimits();
  /** @type {Record<string, string | number>} */
  const set = { ...FACTORY };
  const list = () => {
    const batteries = scenario.inverter === 'alone' ? [] : devices(nowMs());
    const steered = batteries.map((battery) => ({ ...battery, control: asked.control(battery.device) ?? battery.control }));
    return scenario.devices(/** @type {any} */ (scenario.inverter === 'none' ? steered : [...steered, inverter(nowMs(), set)]));
  };
  const present = () => scenario.house(scenario.inverter === 'alone' ? itsHouse(nowMs()) : house(nowMs()));
  const push = (/** @type {string} */ event, /** @type {unknown} */ data) => {
    for (const stream of streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  /** Tells what is wanted of a device now; the plan follows later. @param {string} name */
  const askedByHand = (name) => {
    const { values, ...state } = list().find(({ device }) => device === name) ?? { values: {} };
    if ('device' in state) push('device', state);
    if (scenario.everyMs !== null) setTimeout(replan, REPLANNED_MS).unref();
  };
  const site = () => ({
    name: scenario.name,
    timezone: scenario.timezone,
    languages: ['en', 'fr', 'nl', 'et', 'de'],
    version: '0.1.0',
    read_only: scenario.readOnly,
    started_at: started,
    now: new Date(nowMs()).toISOString(),
  });
  /** @type {Record<string, (query: URLSearchParams) => unknown>} */
  const answers = {
    '/api/v1/site': site,
    '/api/v1/metrics': () => CATALOGUE,
    '/api/v1/devices': list,
    '/api/v1/house': () => ({ values: present() }),
    '/api/v1/history': history,
    '/api/v1/ledger': (query) => ledger.slice(0, Number(query.get('limit') ?? 100)),
    '/api/v1/events': () => events(nowMs()),
    '/api/v1/control': () => ({
      switches,
      overrides: { power_s: 3_600, mode_s: 86_400, longest_s: 604_800 },
      devices: [],
      limits: switches.limits === null ? [] : [...limits.values()],
      schedule: switches.schedule === null ? [] : windows.map((window) => shown(window, switches.schedule === true)),
    }),
    '/api/v1/outlook': (query) => future.outlook(query.get('lang') ?? 'en'),
    '/api/v1/plan': (query) => future.plan(query.get('lang') ?? 'en'),
    '/api/v1/plan/overrides': asked.list,
    '/api/v1/tempo': future.tempo,
    '/api/v1/money': (query) => future.money(query.get('by') ?? 'day'),
    '/api/v1/openapi.json': () => OPENAPI,
    '/healthz': () => ({ status: 'ok' }),
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://mock');
    if (!isUp) return void request.socket.destroy();
    if (url.pathname === '/login') return void body(request).then(({ token }) => login(response, token === scenario.token));
    if (url.pathname === '/logout') return void response.writeHead(204, { 'set-cookie': 'session=; Path=/; Max-Age=0' }).end();
    if (url.pathname.startsWith('/api/') && scenario.token !== null && !request.headers.cookie?.includes('session=open')) {
      return json(response, 401, { error: { code: 'token_needed', message: 'A token is needed.', hint: 'POST /login' } });
    }
    if (url.pathname === '/api/v1/stream') return open(response, site(), streams);
    const limit = /^\/api\/v1\/control\/limits\/(\w+)$/.exec(url.pathname)?.[1];
    if (limit !== undefined) {
      return void body(request).then(({ max_w: maxW }) => {
        requests.push({ [limit]: maxW });
        const known = limits.get(limit);
        if (!known) return json(response, 409, { error: { code: 'not_configured', message: `the configuration has no limit ${limit}`, hint: '' } });
        if (maxW !== null && !(maxW >= known.lowest_w && maxW <= known.file_max_w)) {
          const message = `${maxW} W is not between ${known.lowest_w} W and ${known.file_max_w} W, which the configuration allows`;
          return json(response, 400, { error: { code: 'bad_power', message, hint: 'the configuration is the owner\'s bound' } });
        }
        Object.assign(known, { asked_w: maxW, max_w: maxW ?? known.file_max_w });
        return json(response, 200, known);
      });
    }
    const id = /^\/api\/v1\/schedules\/(\d+)$/.exec(url.pathname)?.[1];
    if (id !== undefined) {
      return void body(request).then(({ name, is_active: isActive }) => {
        requests.push({ [id]: isActive, name });
        const window = windows.find((known) => known.id === Number(id));
        if (!window) return json(response, 404, { error: { code: 'unknown_window', message: `there is no window ${id}`, hint: '' } });
        if (name !== window.name) {
          const message = `the window "${window.name}" of the configuration keeps its name`;
          return json(response, 409, { error: { code: 'keeps_its_name', message, hint: 'GET /api/v1/schedules has the present id' } });
        }
        window.is_on = isActive;
        return json(response, 200, shown(window, switches.schedule === true));
      });
    }
    if (url.pathname === '/api/v1/plan/overrides' && request.method === 'POST') {
      return void body(request).then((wish) => {
        requests.push(wish);
        const answer = asked.add(wish);
        askedByHand(wish.device);
        json(response, answer.status, answer.body);
      });
    }
    const later = /^\/api\/v1\/plan\/overrides\/(\d+)$/.exec(url.pathname)?.[1];
    if (later !== undefined) {
      requests.push({ take_back: Number(later) });
      const answer = asked.remove(Number(later));
      if ('device' in answer.body) askedByHand(answer.body.device);
      return json(response, answer.status, answer.body);
    }
    const date = /^\/api\/v1\/tempo\/([\d-]+)$/.exec(url.pathname)?.[1];
    if (date !== undefined) {
      return void body(request).then(({ colour }) => {
        requests.push({ [date]: colour });
        future.say(date, colour);
        json(response, 200, future.tempo());
      });
    }
    const part = /^\/api\/v1\/control\/(\w+)$/.exec(url.pathname)?.[1];
    if (part !== undefined) {
      return void body(request).then(({ on }) => {
        requests.push({ [part]: on });
        switches[part] = on;
        json(response, 200, switches);
      });
    }
    const one = /^\/api\/v1\/devices\/([^/]+)(?:\/(mode)|\/settings\/([^/]+))?$/.exec(url.pathname);
    if (one) {
      const device = list().find(({ device: name }) => name === decodeURIComponent(one[1] ?? ''));
      if (!device) return json(response, 404, { error: { code: 'unknown_device', message: 'No such device.', hint: 'GET /api/v1/devices lists them.' } });
      const setting = one[3];
      if (!one[2] && !setting) return json(response, 200, device);
      if (request.method === 'DELETE') {
        requests.push({ released: device.device });
        asked.release(device.device);
        askedByHand(device.device);
        const answer = scenario.modeAnswer ?? setMode(device, { mode: 'auto' }, scenario.readOnly, nowMs());
        return json(response, answer.status, answer.body);
      }
      return void body(request).then((sent) => {
        requests.push(setting ? { [setting]: sent.value } : sent);
        const change = () => (setting ? setSetting(device, setting, sent, set, scenario.readOnly, nowMs()) : setMode(device, sent, scenario.readOnly, nowMs()));
        const answer = scenario.modeAnswer ?? change();
        if (!setting && answer.body.outcome && !scenario.readOnly) {
          asked.ask(device.device, sent.native ? `native:${sent.native}` : sent.mode, sent.for_s ?? 3_600);
          askedByHand(device.device);
        }
        if (answer.body.entry) ledger.unshift(answer.body.entry);
        json(response, answer.status, answer.body);
      });
    }
    if (scenario.ahead === 'none' && /\/(outlook|tempo|money)$/.test(url.pathname)) {
      return json(response, 409, { error: { code: 'not_configured', message: 'a tariff is not configured', hint: 'add tariffs: to ohmstead.yaml' } });
    }
    const answer = answers[url.pathname];
    if (answer) return json(response, 200, answer(url.searchParams));
    if (url.pathname.startsWith('/api/')) return json(response, 404, { error: { code: 'not_found', message: url.pathname, hint: '' } });
    return file(response, url.pathname);
  });
  await new Promise((done) => server.listen(wanted.port ?? 0, '127.0.0.1', () => done(null)));

  const ticking = setInterval(() => {
    if (scenario.everyMs === null) return;
    if (nowMs() - basis.madeMs > PLAN_MS) replan();
    for (const { device, values, online } of list()) {
      if (online) push('reading', { device, at: new Date(nowMs()).toISOString(), values });
    }
    push('reading', { device: 'site', at: new Date(nowMs()).toISOString(), values: present() });
  }, scenario.everyMs ?? 60_000);
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());

  return {
    url: `http://127.0.0.1:${address.port}/`,
    scenario,
    /** All wishes so far: the bodies of those for a mode, name and value of those for a setting. */
    requests,
    push,
    /** Makes the plan anew, around what was asked by hand until now. */
    replan,
    /** What was asked by hand. */
    asked,
    /** How many pages listen to the stream. */
    listeners: () => streams.size,
    /** Answers nothing more and cuts every connection, as a crash would. */
    down: () => {
      isUp = false;
      for (const stream of streams) stream.destroy();
      streams.clear();
      server.closeAllConnections();
    },
    up: () => {
      isUp = true;
    },
    close: async () => {
      clearInterval(ticking);
      for (const stream of streams) stream.destroy();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function someLimits() {
  return new Map([
    ['multi_output', { name: 'multi_output', max_w: 20_000, file_max_w: 30_000, lowest_w: 1_000, asked_w: /** @type {number | null} */ (20_000) }],
    ['feed_in', { name: 'feed_in', max_w: 5_000, file_max_w: 5_000, lowest_w: 0, asked_w: 8_000 }],
  ]);
}

function someWindows() {
  const every = { week_days: 127, holidays: true, devices: /** @type {string[]} */ ([]), source: 'file', is_on: true };
  return [
    { ...every, id: 1001, name: 'guests', start_time: '18:00:00', end_time: '23:30:00', mode: 'charge 800 W until 90 %', week_days: 31, holidays: false, devices: ['fase_a'], source: 'run_time' },
    { ...every, id: 1, name: 'day', start_time: '00:00:00', end_time: '00:00:00', mode: 'auto' },
    { ...every, id: 1002, name: 'night', start_time: '22:00:00', end_time: '06:00:00', mode: 'idle', source: 'in_place_of_file', is_on: false },
  ];
}

/** @param {ReturnType<typeof someWindows>[number]} window @param {boolean} isOn */
function shown(window, isOn) {
  const isActive = isOn && window.is_on;
  return { ...window, is_active: isActive, is_open: isActive && window.start_time === window.end_time };
}

/** @param {import('node:http').ServerResponse} response @param {boolean} isRight */
function login(response, isRight) {
  if (!isRight) return json(response, 401, { error: { code: 'wrong_token', message: 'The token is wrong.', hint: 'See web.token.' } });
  response.writeHead(204, { 'set-cookie': 'session=open; Path=/; HttpOnly; SameSite=Strict' }).end();
}

/** @param {import('node:http').ServerResponse} response @param {{ now: string, version: string }} site @param {Set<import('node:http').ServerResponse>} streams */
function open(response, { now, version }, streams) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(`event: hello\ndata: ${JSON.stringify({ now, version })}\n\n`);
  streams.add(response);
  response.on('close', () => streams.delete(response));
}

/** @param {import('node:http').ServerResponse} response @param {number} status @param {unknown} value */
function json(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(value));
}

/** @param {import('node:http').IncomingMessage} request @returns {Promise<any>} */
async function body(request) {
  let text = '';
  for await (const part of request) text += part;
  return JSON.parse(text);
}

/** @param {import('node:http').ServerResponse} response @param {string} path */
function file(response, path) {
  let found = join(ASSETS, normalize(path));
  if (existsSync(found) && statSync(found).isDirectory()) found = join(found, 'index.html');
  if (!found.startsWith(ASSETS) || !existsSync(found)) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, {
    'content-type': TYPES[extname(found)] ?? 'application/octet-stream',
    'content-security-policy': CSP,
    'x-content-type-options': 'nosniff',
  });
  response.end(readFileSync(found));
}

/** @param {any} device @param {any} sent @param {boolean} readOnly @param {number} nowMs */
function setMode(device, sent, readOnly, nowMs) {
  if (sent.mode === 'discharge' && sent.power_w > 2_500) {
    const message = `${device.name} can discharge at 2,500 W at the most; ${sent.power_w} W were asked.`;
    return { status: 422, body: { error: { code: 'power_out_of_range', message, hint: 'Ask for 2,500 W or less.' } } };
  }
  const outcome = readOnly ? 'dry_run' : 'accepted_unmeasured';
  const entry = row(device.device, 'web', describe(sent), 'Auto', sent.native ?? sent.mode, outcome, readOnly ? 'read_only is set' : 'no meter saw a change yet', nowMs);
  return { status: 200, body: { outcome, entry } };
}

/** @param {any} device @param {string} name @param {any} sent @param {Record<string, string | number>} set @param {boolean} readOnly @param {number} nowMs */
function setSetting(device, name, { value }, set, readOnly, nowMs) {
  const setting = device.settings.find((/** @type {any} */ offered) => offered.name === name);
  if (!setting) return { status: 404, body: { error: { code: 'unknown_setting', message: `${device.name} offers no setting "${name}"`, hint: '' } } };
  if (!takes(setting, value)) return { status: 400, body: { error: { code: 'bad_value', message: `${name} cannot be "${value}"`, hint: 'See its settings.' } } };
  const outcome = readOnly ? 'dry_run' : set[name] === value ? 'unchanged' : 'accepted_unmeasured';
  const entry = row(device.device, 'rest', `${name}=${value}`, String(set[name]), String(value), outcome, readOnly ? 'read_only is set' : 'read back', nowMs);
  if (!readOnly) set[name] = value;
  return { status: 200, body: { outcome, entry } };
}

/** @param {any} sent */
function describe({ mode, native, power_w: power, for_s: seconds }) {
  return [native ?? mode, power && `${power} W`, seconds && `for ${seconds} s`].filter(Boolean).join(' ');
}

let lastId = 40;

/** @param {string} device @param {string} by @param {string} request @param {string} old @param {string} now @param {string} outcome @param {string | null} reason @param {number} atMs */
function row(device, by, request, old, now, outcome, reason, atMs) {
  lastId += 1;
  return {
    id: lastId,
    at: new Date(atMs).toISOString(),
    device,
    asked_by: by,
    request,
    old,
    new: now,
    reply: outcome === 'dry_run' ? null : '{"id":1,"result":{"set_result":true}}',
    read_back: outcome === 'dry_run' ? null : now,
    effect: outcome === 'confirmed' ? 'battery_power -790 W' : null,
    outcome,
    reason,
  };
}

/** @param {number} nowMs */
function examples(nowMs) {
  const hour = 3_600_000;
  return [
    row('fase_a', 'web', 'auto', 'Passive', 'Auto', 'confirmed', null, nowMs - 2 * hour),
    row('fase_a', 'cli', 'charge 800 W for 3600 s', 'Auto', 'Passive', 'confirmed', null, nowMs - 3 * hour),
    row('fase_b', 'mqtt', 'charge 800 W for 3600 s', 'Auto', 'Passive', 'ineffective', 'the power stayed at 0 W for 60 s', nowMs - 3.2 * hour),
    row('fase_c', 'web', 'idle for 3600 s', 'Auto', 'Passive', 'failed', 'no answer within 3 s, three times', nowMs - 28 * hour),
  ];
}

/** @param {number} nowMs */
function events(nowMs) {
  const ago = (/** @type {number} */ hours) => new Date(nowMs - hours * 3_600_000).toISOString();
  return [
    { id: 9, at: ago(1.4), severity: 'warning', device: 'fase_b', code: 'slow_answers', text: 'Answers take 2.4 s on average; asked less often.' },
    { id: 8, at: ago(3), severity: 'alarm', device: 'fase_c', code: 'device_offline', text: 'No answer; three attempts failed.' },
    { id: 7, at: ago(5), severity: 'info', device: 'fase_a', code: 'device_online', text: 'Answers: VenusE 3.0, firmware 150.' },
    { id: 6, at: ago(5), severity: 'info', device: null, code: 'started', text: 'Ohmstead 0.1.0 started.' },
  ];
}
