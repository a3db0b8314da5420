// Places and labels the marks of the time axis in the SITE's zone. uPlot's own way (its tzDate) computes civil times in the
// browser's zone and slips around a change of clocks; here each mark is an instant at which the site's clock shows a full step.
import { civil, clock, day } from '../format/time';

const QUARTER_MS = 15 * 60_000;
const HOUR_MS = 3_600_000;
const STEPS_H = [1, 2, 3, 4, 6, 8, 12, 24, 48, 96, 168, 336, 720, 1_440, 2_880];

/** Unix ms of at most `most` marks (one more around a change of clocks) between the two instants, at full civil hours. */
export function ticks(fromMs: number, toMs: number, zone: string, most: number): number[] {
  const stepH = STEPS_H.find((hours) => (toMs - fromMs) / (hours * HOUR_MS) <= most) ?? 2_880;
  const marks: number[] = [];
  // Every zone in use is a whole number of quarters from UTC.
  let at = Math.ceil(fromMs / QUARTER_MS) * QUARTER_MS;
  while (at <= toMs) {
    const { day: date, hour, minute } = civil(at, zone);
    if (minute === 0 && (date * 24 + hour) % stepH === 0) {
      marks.push(at);
      // Near the next mark, but before it even if the clocks go forward.
      at += Math.max(QUARTER_MS, (stepH - 1) * HOUR_MS - (stepH > 2 ? HOUR_MS : 0));
    } else {
      at += QUARTER_MS;
    }
  }
  return marks;
}

/** "15:00", or the day at midnight. */
export function tickLabel(ms: number, zone: string, language: string): string {
  const { hour, minute } = civil(ms, zone);
  return hour === 0 && minute === 0 ? day(ms, zone, language) : clock(ms, zone, language);
}
