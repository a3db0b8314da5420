import { expect, test } from 'vitest';
import { delayMs } from '../src/api/backoff';
import { refusal } from '../src/api/client';

test('the wait doubles from one second to half a minute', () => {
  expect([0, 1, 2, 3, 4, 5, 99].map((failures) => delayMs(failures, 0))).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  expect(delayMs(5, 1)).toBe(22_500);
});

test('a refusal carries the server’s words', () => {
  const error = refusal(422, { error: { code: 'power_out_of_range', message: 'Too much.', hint: 'Ask for less.' } });
  expect(error).toMatchObject({ status: 422, code: 'power_out_of_range', message: 'Too much.', hint: 'Ask for less.', isUnreachable: false });
});

test('a body that is not ours is still an error', () => {
  expect(refusal(500, null)).toMatchObject({ status: 500, code: 'http_500', hint: null });
  expect(refusal(404, { error: { message: 7 } })).toMatchObject({ code: 'http_404', message: 'HTTP 404' });
});

test('a gateway’s answer for a dead server counts as unreachable', () => {
  expect(refusal(502, null).isUnreachable).toBe(true);
  expect(refusal(200, null).isUnreachable).toBe(true);
  expect(refusal(503, { error: { code: 'store_closed', message: 'x', hint: '' } }).isUnreachable).toBe(false);
});
