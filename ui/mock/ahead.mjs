// What lies ahead of the mock house: Tempo with a red day tomorrow, forecasts with bands, a plan for two batteries, money.
// Only plausible: a rule stands in for the optimiser.
import { at } from './house.mjs';

const QUARTER = 15 * 60_000;
const HOUR = 4 * QUARTER;
const DAY = 24 * HOUR;
const PRICES = { blue: [0.1325, 0.1612], white: [0.1499, 0.1871], red: [0.1575, 0.706] };
const CAPACITY_WH = 5_120;
const BATTERIES = ['fase_a', 'fase_b'];
/** The power of what was asked by hand. @type {Record<string, number>} */
const PINNED_W = { charge: -1_000, discharge: 800 };

/** @typedef {'blue' | 'white' | 'red'} Colour */
/** What the plan was made with: when, and around what. @typedef {{ madeMs: number, pins: import('./byhand.mjs').Pin[] }} Basis */

/** What the wall clock shows there. @param {number} ms @param {string} zone */
function civil(ms, zone) {
  const parts = new Intl.DateTimeFormat('en-CA', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' }).formatToParts(ms);
  const part = (/** @type {string} */ type) => parts.find((found) => found.type === type)?.value ?? '';
  return { date: `${part('year')}-${part('month')}-${part('day')}`, hour: Number(part('hour')) };
}

/** @param {string} date @param {number} days */
function plus(date, days) {
  return new Date(Date.parse(date) + days * DAY).toISOString().slice(0, 10);
}

/** The tariff day of an instant: until six it is still yesterday's. @param {number} ms @param {string} zone */
function tariffDay(ms, zone) {
  const { date, hour } = civil(ms, zone);
  return hour < 6 ? plus(date, -1) : date;
}

/** A repeatable value in 0..1. @param {number} n */
function noise(n) {
  const x = Math.sin(n * 91.7 + 17.3) * 43_758.5453;
  return x - Math.floor(x);
}

/** The mean of the house over the hour around `ms`, as a forecast would have it. @param {number} ms @param {'load' | 'solar'} key */
function mean(ms, key) {
  let sum = 0;
  for (let step = -4; step <= 4; step += 1) sum += at(ms + step * 7 * 60_000)[key];
  return sum / 9;
}

/** @param {string} season @param {string} today @param {Map<string, Colour | null>} said */
function colours(season, today, said) {
  /** @type {Map<string, Colour>} */
  const known = new Map();
  for (let date = season; date <= today; date = plus(date, 1)) {
    const weekday = new Date(date).getUTCDay();
    const [month, chance] = [Number(date.slice(5, 7)), noise(Date.parse(date) / DAY)];
    const isWinter = month >= 11 || month <= 3;
    known.set(date, isWinter && chance > 0.8 && weekday % 6 !== 0 ? 'red' : chance > 0.72 && weekday !== 0 ? 'white' : 'blue');
  }
  known.set(today, 'blue');
  known.set(plus(today, 1), 'red');
  for (const [date, colour] of said) {
    if (colour) known.set(date, colour);
  }
  return known;
}

/**
 * @param {() => number} nowMs
 * @param {() => { timezone: string, ahead: string }} scenario `tempo`, `fallback`, `advise`, `disputed` or `none`
 * @param {Record<string, boolean | null>} switches
 * @param {() => Basis} basis
 */
export function ahead(nowMs, scenario, switches, basis) {
  /** @type {Map<string, Colour | null>} */
  const said = new Map();
  const zone = () => scenario().timezone;
  const today = () => tariffDay(nowMs(), zone());
  const season = () => {
    const [year, month] = today().split('-').map(Number);
    return `${(month ?? 1) >= 9 ? year : (year ?? 0) - 1}-09-01`;
  };
  const known = () => colours(season(), today(), said);

  function slots() {
    const first = Math.floor(nowMs() / QUARTER) * QUARTER;
    const colour = known();
    return Array.from({ length: 192 }, (_, index) => {
      const start = first + index * QUARTER;
      const { hour } = civil(start, zone());
      const own = colour.get(tariffDay(start, zone())) ?? null;
      const isPeak = hour >= 6 && hour < 22;
      const [off, peak] = PRICES[own ?? 'blue'];
      const load = mean(start, 'load');
      const pv = mean(start, 'solar');
      const wide = 0.15 + index / 600;
      return {
        start,
        hour,
        isPeak,
        own,
        price: (isPeak ? peak : off) ?? 0,
        load,
        pv,
        shown: {
          start: iso(start),
          end: iso(start + QUARTER),
          import_price: isPeak ? peak : off,
          export_price: 0.04,
          estimated: own === null,
          colour: own,
          load: { mean_w: tenth(load), low_w: tenth(load * (1 - wide)), high_w: tenth(load * (1 + 2.4 * wide)) },
          pv: { mean_w: tenth(pv), low_w: tenth(pv * (1 - 2.2 * wide)), high_w: tenth(pv * (1 + wide)) },
        },
      };
    });
  }

  /** @param {string} language */
  function outlook(language) {
    const disputed = scenario().ahead === 'disputed';
    return {
      at: iso(nowMs() - 40_000),
      currency: 'EUR',
      offline: false,
      slots: slots().map(({ shown }) => shown),
      sources: [
        source('rte_site', 'tempo', 22, 38, null, null),
        source('api_couleur_tempo', 'tempo', disputed ? 25 : 190, 5, disputed ? null : 'no answer within 10 s', null),
        source('data_gouv', 'tempo_prices', 900, 540, null, 'Licence Ouverte 2.0'),
        source('open_meteo', 'pv', 12, 48, null, 'CC BY 4.0'),
      ],
      language,
      missing: [worded('colour_not_told', language)],
    };
  }

  /** @param {string} name @param {string} kind @param {number} agoMin @param {number} inMin @param {string | null} trouble @param {string | null} licence */
  function source(name, kind, agoMin, inMin, trouble, licence) {
    return { name, kind, fetched_at: iso(nowMs() - agoMin * 60_000), trouble, next_try: iso(nowMs() + inMin * 60_000), licence };
  }

  /** @param {string} language */
  function plan(language) {
    const mode = scenario().ahead === 'advise' ? 'advise' : 'act';
    if (scenario().ahead === 'none') {
      return { ...NO_PLAN, mode: 'off', acting: false, language, why_none: worded('planner_off', language) };
    }
    const stored = [2_350, 1_480];
    const found = slots();
    const made = found.map((slot) => planned(slot, found, stored, language, basis()));
    const sum = (/** @type {(slot: typeof made[number]) => number} */ of) => made.reduce((all, slot) => all + of(slot), 0);
    const cost = sum((slot) => slot.cost);
    const isFallback = scenario().ahead === 'fallback';
    return {
      mode,
      acting: mode === 'act' && switches['plan'] === true,
      read_only: false,
      why_none: null,
      language,
      made_at: iso(basis().madeMs),
      solve_ms: 31.4,
      origin: isFallback ? 'fallback' : 'found',
      trouble: isFallback ? worded('solver_out_of_time', language) : null,
      currency: 'EUR',
      cost: micro(cost),
      self_consumption_cost: micro(cost + (isFallback ? 0 : 3.41)),
      no_battery_cost: micro(cost + (isFallback ? 2.1 : 6.72)),
      batteries: BATTERIES.map((device, index) => ({ device, acts: index === 0, capacity_wh: CAPACITY_WH, now_wh: [2_350, 1_480][index] })),
      slots: made,
      missing: [worded('price_guessed', language), worded('power_guessed', language)],
    };
  }

  function tempo() {
    const [date, colour] = [today(), known()];
    const disputed = scenario().ahead === 'disputed';
    const day = (/** @type {string} */ of) => ({
      date: of,
      colour: disputed && of === plus(date, 1) ? null : (colour.get(of) ?? null),
      provisional: false,
      disputed: disputed && of === plus(date, 1),
      by_hand: said.get(of) != null,
      voices: [
        { source: 'rte_site', colour: colour.get(of) ?? 'blue', since: iso(nowMs() - 5 * HOUR), provisional: false },
        ...(of >= date ? [{ source: 'api_couleur_tempo', colour: disputed && of > date ? 'white' : (colour.get(of) ?? 'blue'), since: iso(nowMs() - 4 * HOUR), provisional: false }] : []),
      ],
      odds: disputed && of === plus(date, 1) ? { blue: 0.08, white: 0.31, red: 0.61 } : null,
    });
    const days = [...colour.keys()].sort().map(day);
    const used = (/** @type {Colour} */ of) => days.filter(({ colour }) => colour === of).length;
    const all = { blue: 300, white: 43, red: 22 };
    const each = /** @type {Colour[]} */ (['blue', 'white', 'red']);
    return {
      season: season(),
      today: day(date),
      tomorrow: day(plus(date, 1)),
      days,
      counts: each.map((of) => ({ colour: of, used: used(of), left: Math.max(0, all[of] - used(of)) })),
      prices: each.map((of) => ({ colour: of, off_peak: PRICES[of][0], peak: PRICES[of][1] })),
      prices_since: '2026-02-01',
    };
  }

  /** @param {string} by */
  function money(by) {
    const { date } = civil(nowMs(), zone());
    const firsts = by === 'month' ? months(date) : days(date);
    const rows = firsts.map((from, index) => {
      const size = by === 'month' ? 30 * (index === firsts.length - 1 ? Number(date.slice(8)) / 30 : 1) : 1;
      const import_kwh = (5 + 9 * noise(Date.parse(from) / DAY)) * size;
      const none = import_kwh * 0.24 + 0.9 * size;
      const cost = index === 1 && by === 'day' ? -0.21 : none * (0.5 + 0.25 * noise(index + 3));
      return {
        from,
        import_kwh,
        export_kwh: 2.3 * noise(index + 50) * size,
        cost,
        self_consumption_cost: cost + 0.25 * none * noise(index + 9),
        no_battery_cost: none,
        unknown_h: index === 4 ? 3.25 : 0,
      };
    });
    return { currency: 'EUR', from: firsts[0], to: plus(date, 1), by, rows };
  }

  return { outlook, plan, tempo, money, say: (/** @type {string} */ date, /** @type {Colour | null} */ colour) => void said.set(date, colour) };
}

const NO_PLAN = { made_at: null, solve_ms: null, origin: null, trouble: null, currency: null, cost: null, self_consumption_cost: null, no_battery_cost: null, batteries: [], slots: [], missing: [] };

/** @param {string} date */
function days(date) {
  return Array.from({ length: Number(date.slice(8)) }, (_, index) => `${date.slice(0, 8)}${String(index + 1).padStart(2, '0')}`);
}

/** @param {string} date */
function months(date) {
  const [year = 0, month = 1] = date.split('-').map(Number);
  return Array.from({ length: 12 }, (_, index) => new Date(Date.UTC(year, month - 12 + index, 1)).toISOString().slice(0, 10));
}

/** @type {Record<string, Record<string, string>>} */
const REASONS = {
  charge_before_dear: {
    en: 'Charges now at 0.13 €/kWh, for tomorrow is red and a kWh then costs 0.71 €.',
    fr: 'Charge maintenant à 0,13 €/kWh, car demain est rouge et le kWh y coûte 0,71 €.',
  },
  discharge_dear: { en: 'Feeds the house: the grid is at its dearest.', fr: 'Alimente la maison : le réseau est au plus cher.' },
  by_hand: { en: 'Asked for by hand.', fr: 'Demandé à la main.', de: 'Von Hand verlangt.' },
  follow: { en: 'Follows the house: nothing better can be done with this price.', fr: 'Suit la maison : rien de mieux à faire à ce prix.' },
  hold_for_dear: { en: 'Keeps what is stored for the red hours, in which it is worth 0.69 € per kWh.', fr: 'Garde l’énergie pour les heures rouges, où elle vaut 0,69 € par kWh.' },
};

/** What is missing or in trouble. @type {Record<string, Record<string, string>>} */
const LACKS = {
  colour_not_told: {
    en: 'the colour of 24 h is not told: their price is the mean of what it may be',
    fr: "la couleur de 24 h n'est pas annoncée : leur prix est la moyenne de ce qu'il peut être",
  },
  planner_off: { en: 'planning is off: planner.mode is off', fr: 'la planification est désactivée : planner.mode est off' },
  solver_out_of_time: {
    en: 'no plan was found: the solver had not enough time',
    fr: "aucun plan n'a été trouvé : le solveur n'a pas eu assez de temps",
  },
  price_guessed: { en: 'prices of 18 h are guessed from other days', fr: "les prix de 18 h sont estimés d'après d'autres jours" },
  power_guessed: {
    en: 'fase_b does not tell what it can take and give: 2560 W are assumed; set planner.batteries.fase_b.charge_max and discharge_max',
    fr: "fase_b ne dit pas ce qu'elle peut prendre et donner : 2560 W sont supposés ; indiquer planner.batteries.fase_b.charge_max et discharge_max",
  },
};

/** @param {string} code @param {string} language */
function worded(code, language) {
  return { code, reason: LACKS[code]?.[language] ?? LACKS[code]?.['en'] ?? code };
}

/** @param {any} slot @param {any[]} all @param {number[]} stored @param {string} language @param {Basis} basis */
function planned(slot, all, stored, language, { madeMs, pins }) {
  const redLater = all.some((other) => other.own === 'red' && other.isPeak && other.start > slot.start && other.start < slot.start + 10 * HOUR);
  const isRed = slot.own === 'red' && slot.isPeak;
  // What is left of the present quarter begins when the plan was made.
  const start = Math.max(slot.start, madeMs);
  const middle = (start + slot.start + QUARTER) / 2;
  const steps = stored.map((wh, index) => {
    const pin = pins.find(({ device, fromMs, toMs }) => device === BATTERIES[index] && fromMs <= middle && middle < toMs);
    if (pin) return { mode: pin.mode, power: PINNED_W[pin.mode] ?? 0, code: 'by_hand', until: iso(pin.toMs) };
    if (redLater && !slot.isPeak && wh < CAPACITY_WH * 0.97) return { mode: 'charge 1200 W until 97 %', power: -1_200, code: 'charge_before_dear' };
    if (redLater && !isRed) return { mode: 'hold', power: Math.min(0, (slot.load - slot.pv) / 2), code: 'hold_for_dear' };
    const net = (slot.load - slot.pv) / 2;
    const power = Math.max(-2_400, Math.min(wh > CAPACITY_WH * 0.12 ? 2_400 : 0, wh < CAPACITY_WH ? net : Math.max(0, net)));
    return { mode: 'auto', power, code: isRed ? 'discharge_dear' : 'follow', index };
  });
  steps.forEach(({ power }, index) => (stored[index] = Math.min(CAPACITY_WH, (stored[index] ?? 0) - (power / 4) * (power > 0 ? 1.06 : 0.94))));
  const battery = steps.reduce((sum, { power }) => sum + power, 0);
  const grid = slot.load - slot.pv - battery;
  const reason = (/** @type {string} */ code) => REASONS[code]?.[language] ?? REASONS[code]?.['en'] ?? code;
  return {
    start: iso(start),
    end: slot.shown.end,
    grid_w: tenth(grid),
    pv_w: tenth(slot.pv),
    load_w: tenth(slot.load),
    battery_w: steps.map(({ power }) => tenth(power)),
    soc_wh: stored.map(tenth),
    soc_pct: stored.map((wh) => tenth((wh / CAPACITY_WH) * 100)),
    modes: steps.map(({ mode }) => mode),
    import_price: slot.shown.import_price,
    export_price: slot.shown.export_price,
    estimated: slot.shown.estimated,
    worth: redLater || isRed ? 0.6902 : 0.1391,
    cost: micro((grid / 4_000) * (grid > 0 ? slot.price : 0.04)),
    code: steps[0]?.code ?? 'follow',
    reason: reason(steps[0]?.code ?? 'follow'),
    steps: steps.map(({ mode, code, until = null }, index) => ({ device: BATTERIES[index], mode, code, reason: reason(code), by_hand_until: until })),
  };
}

/** @param {number} ms */
const iso = (ms) => new Date(ms).toISOString();
/** @param {number} value */
const tenth = (value) => Math.round(value * 10) / 10;
/** @param {number} value */
const micro = (value) => Math.round(value * 1e6) / 1e6;
