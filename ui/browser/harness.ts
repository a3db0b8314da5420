// What the browser tests stand on: one Chromium, a server (the real binary's demo or the mock), and a watch on each page.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { startMock } from '../mock/server.mjs';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function launch(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`There is no browser at ${CHROMIUM}: install it (apt-get install chromium) or set CHROMIUM to its path.`);
  }
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

export interface Server {
  url: string;
  close: () => Promise<void>;
}

/** `$OHMSTEAD_BIN demo` where it is set, else the mock house. */
export async function serve(): Promise<Server> {
  const binary = process.env['OHMSTEAD_BIN'];
  return binary ? demo(binary) : startMock({ inverter: 'too' });
}

async function demo(binary: string): Promise<Server> {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'ohmstead-ui-'));
  const child = spawn(binary, ['demo', '--port', String(port), '--data-dir', dir], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const hear = (part: Buffer): void => void (said = (said + part.toString()).slice(-4_000));
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const url = `http://127.0.0.1:${port}/`;
  await ready(url, child, () => said);
  return {
    url,
    close: async () => {
      const ended = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function ready(url: string, child: ChildProcess, said: () => string): Promise<void> {
  const deadline = Date.now() + 45_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the demo ended with ${child.exitCode}:\n${said()}`);
    const answer = await fetch(`${url}readyz`).catch(() => null);
    if (answer?.ok) return;
    await new Promise((next) => setTimeout(next, 200));
  }
  child.kill('SIGKILL');
  throw new Error(`the demo was not ready within 45 s:\n${said()}`);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise((done) => probe.listen(0, '127.0.0.1', () => done(null)));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}

export interface Watched {
  page: Page;
  /** Console errors and warnings, uncaught errors, breaches of the content security policy. */
  complaints: string[];
  /** Requests to any other host. */
  strays: string[];
  close: () => Promise<void>;
}

/** A page in its own context, in English, with every complaint and every stray request written down. */
export async function open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const strays: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
  page.on('request', (request) => {
    if (/^(data|blob):/.test(request.url())) return;
    if (new URL(request.url()).origin !== new URL(url).origin) strays.push(request.url());
  });
  // A polyfill or a blocked inline script shows here even when nothing reaches the console.
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
  return { page, complaints, strays, close: () => context.close() };
}

/** Opens the dashboard and waits until it is live. */
export async function openLive(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const watched = await open(browser, url, options);
  await watched.page.goto(url);
  await watched.page.waitForSelector('[data-connection=live]');
  return watched;
}

/** Folds everything out: all values, the controls and the evidence of every device. */
export async function unfold(page: Page): Promise<void> {
  for (const summary of await page.locator('[data-device] summary').all()) await summary.click();
  // Some parts are fetched only now.
  await page.waitForFunction(() => [...document.querySelectorAll('[data-device] details[open]')].every(({ children }) => children.length > 1));
}
