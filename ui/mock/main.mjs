// `npm run mock [-- --port 8230] [--read-only] [--empty] [--shift-h 8] [--inverter too|alone] [--ahead tempo|advise|fallback|disputed|none]`: the mock house on its own, for `npm run dev`.
import { parseArgs } from 'node:util';
import { startMock } from './server.mjs';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8230' },
    'read-only': { type: 'boolean', default: false },
    'shift-h': { type: 'string', default: '0' },
    inverter: { type: 'string', default: 'none' },
    ahead: { type: 'string', default: 'tempo' },
    empty: { type: 'boolean', default: false },
  },
});
const mock = await startMock({
  port: Number(values.port),
  readOnly: values['read-only'],
  shiftMs: Number(values['shift-h']) * 3_600_000,
  inverter: /** @type {'none' | 'too' | 'alone'} */ (values.inverter),
  ahead: /** @type {'tempo' | 'advise' | 'fallback' | 'disputed' | 'none'} */ (values.ahead),
  ...(values.empty ? { devices: () => [] } : {}),
});
process.stdout.write(`mock house at ${mock.url}\n`);
