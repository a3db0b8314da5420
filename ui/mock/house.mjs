// A house as a pure function of time, so that its history and its present agree: sun, appliances, two batteries that level
// the meter within their limits. Only plausible, not physics; the real simulator is crates/plant.
// Signs: grid import +, battery discharge +, solar +.

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

/**
 * @typedef {{ solar: number, load: number, battery: number, grid: number, soc: number }} Moment
 */

/** A repeatable value in 0..1 for a whole number. @param {number} n */
function noise(n) {
  const x = Math.sin(n * 127.1 + 311.7) * 43_758.5453;
  return x - Math.floor(x);
}

/** Noise that changes smoothly, once per `period`. @param {number} ms @param {number} period @param {number} seed */
function drift(ms, period, seed) {
  const at = ms / period;
  const low = Math.floor(at);
  const part = at - low;
  const ease = part * part * (3 - 2 * part);
  return noise(low + seed) * (1 - ease) + noise(low + 1 + seed) * ease;
}

/** Hours since UTC midnight; the mock's site is one hour ahead in winter. @param {number} ms */
function hour(ms) {
  return (((ms + 60 * MINUTE) % DAY) / DAY) * 24;
}

/** @param {number} ms */
function solar(ms) {
  const height = Math.cos(((hour(ms) - 13) / 5.2) * (Math.PI / 2));
  if (Math.abs(hour(ms) - 13) > 5.2 || height <= 0) return 0;
  const clouds = 0.25 + 0.75 * drift(ms, 50 * MINUTE, 7) * (0.7 + 0.3 * drift(ms, 4 * MINUTE, 9));
  return Math.round(3_600 * height ** 1.3 * clouds);
}

/** @param {number} ms */
function load(ms) {
  const at = hour(ms);
  const bump = (/** @type {number} */ centre, /** @type {number} */ width) => Math.exp(-(((at - centre) / width) ** 2));
  const base = 190 + 90 * drift(ms, 20 * MINUTE, 3) + 110 * (drift(ms, 16 * MINUTE, 5) > 0.55 ? 1 : 0);
  const oven = bump(19.2, 0.7) * 1_900 * (0.4 + 0.6 * drift(ms, 6 * MINUTE, 4));
  const kettle = noise(Math.floor(ms / (4 * MINUTE))) > 0.965 && at > 6.5 && at < 22 ? 1_900 : 0;
  return Math.round(base + 480 * bump(7.4, 0.9) + oven + 260 * bump(21, 1.6) + kettle + 25 * noise(Math.floor(ms / 2_000)));
}

const CAPACITY_WH = 10_240;
/** @type {Map<number, Moment[]>} */
const days = new Map();
/** @type {number | null} */
let firstDay = null;

/** So many days back from the first day asked for, the battery starts at 30 %. */
const FIRST_DAYS = 10;

/** One day of minutes, which goes on from the day before. @param {number} day @returns {Moment[]} */
function minutes(day) {
  const made = days.get(day);
  if (made) return made;
  firstDay ??= day - FIRST_DAYS;
  let soc = day > firstDay ? (minutes(day - 1).at(-1)?.soc ?? 30) : 30;
  /** @type {Moment[]} */
  const list = [];
  for (let minute = 0; minute < 1_440; minute += 1) {
    const ms = day * DAY + minute * MINUTE;
    const [sun, use] = [solar(ms), load(ms)];
    const most = soc > 12 ? 2_400 : 0;
    const least = soc < 98 ? -2_400 : 0;
    const battery = Math.min(most, Math.max(least, use - sun - 30));
    soc -= ((battery / 60 / CAPACITY_WH) * 100) / (battery > 0 ? 0.93 : 1.07);
    list.push({ solar: sun, load: use, battery: Math.round(battery), grid: Math.round(use - sun - battery), soc });
  }
  days.set(day, list);
  return list;
}

/** @param {number} ms @returns {Moment} */
export function at(ms) {
  const day = Math.floor(ms / DAY);
  const moment = minutes(day)[Math.floor((ms % DAY) / MINUTE)];
  if (!moment) throw new Error(`no such minute: ${ms}`);
  const now = load(ms);
  return { ...moment, load: now, grid: now - moment.solar - moment.battery };
}
