// What was asked by hand of the mock house: for now, one a battery, and for a time to come. What is asked for now goes first.

/** @typedef {{ id: number, device: string, mode: string, from: string, to: string, asked_by: string }} Later */
/** @typedef {{ device: string, mode: string, fromMs: number, toMs: number }} Pin */

/** @param {() => number} nowMs */
export function byHand(nowMs) {
  /** @type {Map<string, Pin>} */
  const now = new Map();
  /** @type {Later[]} */
  let later = [];
  let lastId = 0;
  /** @type {Set<string>} */
  const released = new Set();

  const pin = (/** @type {Later} */ { device, mode, from, to }) => ({ device, mode, fromMs: Date.parse(from), toMs: Date.parse(to) });
  /** What has not ended, what goes before first. @returns {Pin[]} */
  const pins = () => [...now.values(), ...later.map(pin)].filter(({ toMs }) => toMs > nowMs());
  const list = () => later.filter(({ to }) => Date.parse(to) > nowMs()).sort((a, b) => a.from.localeCompare(b.from));
  const counts = (/** @type {string} */ device) => pins().find((one) => one.device === device && one.fromMs <= nowMs()) ?? null;

  /** As the server says it of a device; null where nothing was ever asked of it. @param {string} device */
  function control(device) {
    const found = counts(device);
    if (!found) return released.has(device) ? { wants: null, by: null, phase: 'unset', code: 'nobody', reason: 'nobody wants anything of it', ends: null } : null;
    return { wants: found.mode, by: 'override', phase: 'confirmed', code: 'asked', reason: 'asked by hand (rest)', ends: iso(found.toMs) };
  }

  /** A new one takes the time of those before. @param {{ device: string, mode: string, from: string, to: string }} wish */
  function add(wish) {
    if (Date.parse(wish.from) <= nowMs()) {
      return { status: 400, body: { error: { code: 'bad_time', message: 'it must begin in the future', hint: 'for now there is POST /api/v1/devices/NAME/mode' } } };
    }
    const parts = later.flatMap((one) => {
      if (one.device !== wish.device) return [one];
      const [before, after] = [{ ...one, to: earlier(one.to, wish.from) }, { ...one, from: Date.parse(one.from) > Date.parse(wish.to) ? one.from : wish.to }];
      return [before, after].filter(({ from, to }) => Date.parse(from) < Date.parse(to)).map((part, index) => (index === 0 ? part : { ...part, id: ++lastId }));
    });
    const added = { id: ++lastId, ...wish, asked_by: 'rest' };
    later = [...parts, added];
    return { status: 201, body: added };
  }

  /** @param {number} id */
  function remove(id) {
    const gone = later.find((one) => one.id === id);
    later = later.filter((one) => one !== gone);
    const error = { code: 'unknown_override', message: `nothing was asked under the number ${id}`, hint: 'GET /api/v1/plan/overrides lists what there is' };
    return gone ? { status: 200, body: gone } : { status: 404, body: { error } };
  }

  /** @param {string} device @param {string} mode @param {number} forS */
  const ask = (device, mode, forS) => void now.set(device, { device, mode, fromMs: nowMs(), toMs: nowMs() + forS * 1_000 });

  /** Whatever counts now ends; what is to come stays. @param {string} device */
  function release(device) {
    now.delete(device);
    released.add(device);
    later = later.filter((one) => one.device !== device || Date.parse(one.from) > nowMs());
  }

  return { pins, list, control, add, remove, ask, release };
}

/** @param {number} ms */
const iso = (ms) => new Date(ms).toISOString();
/** @param {string} a @param {string} b */
const earlier = (a, b) => (Date.parse(a) < Date.parse(b) ? a : b);
