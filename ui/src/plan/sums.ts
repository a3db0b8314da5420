// What the plan and the past come to.
import { civil } from '../format/time';
import { lengthH } from './runs';
import type { MoneyRow, PlanSlot } from './types';

/** What is still to come of the site's civil day; the slot that is running counts for its rest. Null where a part is unknown. */
export function restOfToday(slots: PlanSlot[], nowMs: number, zone: string): number | null {
  const today = civil(nowMs, zone).day;
  let sum: number | null = null;
  for (const slot of slots) {
    const [from, to] = [Date.parse(slot.start), Date.parse(slot.end)];
    if (to <= nowMs || civil(from, zone).day !== today) continue;
    if (slot.cost === null) return null;
    sum = (sum ?? 0) + (slot.cost * (to - Math.max(from, nowMs))) / (to - from);
  }
  return sum;
}

/** What the slot would cost with the batteries at rest, and the grid's power then. */
export function atRest(slot: PlanSlot): { gridW: number; cost: number } | null {
  if (slot.load_w === null || slot.pv_w === null) return null;
  const gridW = slot.load_w - slot.pv_w;
  const price = gridW >= 0 ? slot.import_price : slot.export_price;
  return price === null ? null : { gridW, cost: (gridW / 1_000) * lengthH(slot) * price };
}

export interface Total {
  cost: number | null;
  /** Less than it would have been otherwise; over the rows of which both are known. */
  savedOnSelfConsumption: number | null;
  savedOnNoBattery: number | null;
  importKwh: number | null;
  exportKwh: number | null;
  unknownH: number;
}

/** All rows together. What no row knows is null; unknown hours tell how much is missing. */
export function total(rows: MoneyRow[]): Total {
  const sum = (figure: (row: MoneyRow) => number | null): number | null => {
    const known = rows.map(figure).filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((all, value) => all + value, 0);
  };
  return {
    cost: sum(({ cost }) => cost),
    savedOnSelfConsumption: sum((row) => less(row.self_consumption_cost, row.cost)),
    savedOnNoBattery: sum((row) => less(row.no_battery_cost, row.cost)),
    importKwh: sum((row) => row.import_kwh),
    exportKwh: sum((row) => row.export_kwh),
    unknownH: sum((row) => row.unknown_h) ?? 0,
  };
}

/** How much less `cost` is than `otherwise`. */
export function less(otherwise: number | null, cost: number | null): number | null {
  return otherwise === null || cost === null ? null : otherwise - cost;
}
