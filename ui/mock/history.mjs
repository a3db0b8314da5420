// The mock's /api/v1/history: the same house, reduced to steps of [min, mean, max], with a gap of 40 minutes each morning.
import { at } from './house.mjs';

const MINUTE = 60_000;
/** @type {Record<string, 'solar' | 'load' | 'battery' | 'grid' | 'soc'>} */
const FIELDS = { pv_power: 'solar', load_power: 'load', battery_power: 'battery', grid_power: 'grid', battery_soc: 'soc' };
const UNITS = { '%': ['battery_soc'] };

/** @param {string | null} text */
function stepMs(text) {
  const [, count, unit] = /^(\d+)(m|h)?$/.exec(text ?? '') ?? [];
  return Number(count ?? 5 * MINUTE) * (unit === 'm' ? MINUTE : unit === 'h' ? 60 * MINUTE : 1);
}

/** @param {URLSearchParams} query */
export function history(query) {
  const [device, metric] = [query.get('device') ?? 'site', query.get('metric') ?? ''];
  const [from, to] = [Number(query.get('from')), Number(query.get('to'))];
  const step = stepMs(query.get('step'));
  const field = FIELDS[metric];
  const offset = { fase_a: 2.4, fase_b: -3.1 }[device] ?? 0;
  /** @type {[number, [number, number, number]][]} */
  const points = [];
  for (let start = Math.ceil(from / step) * step; field && start < to && device !== 'fase_c'; start += step) {
    if (isGap(start)) continue;
    const seen = [];
    for (let ms = start; ms < Math.min(to, start + step); ms += MINUTE) seen.push(at(ms)[field] + (field === 'soc' ? offset : 0));
    const mean = seen.reduce((sum, value) => sum + value, 0) / seen.length;
    points.push([start, [Math.min(...seen), Math.round(mean * 10) / 10, Math.max(...seen)]]);
  }
  const unit = UNITS['%'].includes(metric) ? '%' : 'W';
  return { device, metric, unit, from_ms: from, to_ms: to, step_ms: step, points };
}

/** From 09:20 to 10:00 UTC nothing was recorded. @param {number} ms */
function isGap(ms) {
  const minute = Math.floor(ms / MINUTE) % 1_440;
  return minute >= 560 && minute < 600;
}
