import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { ArpanetError } from '../../../src/model/errors.ts';
import { fatalReason } from '../../../src/processes/fault-net.ts';
import { faultCounts, guarded } from '../../../src/telemetry/faults.ts';

describe('a guarded handler', () => {
  it('neither throws nor rejects: the error is logged with its stack, and counted', async () => {
    const lines: { msg: string; err?: { stack?: string } }[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as never) });
    const throws = guarded(log, 'a packet', (length: number) => {
      throw new RangeError(`no packet has ${length} bytes`);
    });
    const rejects = guarded(log, 'a packet', async () => Promise.reject(new TypeError('x')));
    throws(7);
    rejects();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(faultCounts().get('a packet')?.count, 2);
    assert.deepEqual(
      lines.map(({ msg }) => msg),
      ['unexpected error in a packet; going on', 'unexpected error in a packet; going on'],
    );
    assert.match(lines[0]?.err?.stack ?? '', /no packet has 7 bytes\n.*faults\.test\.ts/);
  });

  it('that fails all the time does not fill the log', () => {
    const lines: string[] = [];
    const fails = guarded(pino({}, { write: (line: string) => void lines.push(line) }), 'a flood', () => assert.fail());
    for (let n = 0; n < 1_000; n++) fails();
    assert.equal(lines.length, 20);
  });
});

describe('an error that no handler has caught', () => {
  const from = (path: string) =>
    Object.assign(new TypeError('x'), { stack: `TypeError: x\n    at f (/opt/arpanet/${path}:1:1)\n    at g (/y.js)` });

  it('ends the process only where it cannot vouch for its state: in the store, or when there are many at once', () => {
    assert.equal(fatalReason(from('dist/dns/server.js'), [0], 0), undefined);
    assert.match(fatalReason(from('dist/store/ledger/ledger.js'), [0], 0) ?? '', /state store/);
    assert.match(fatalReason(from('src/store/election.ts'), [0], 0) ?? '', /state store/);
    assert.equal(fatalReason(new ArpanetError('unavailable', 'the store is unreachable'), [0], 0), undefined);
    assert.equal(fatalReason('no error at all', [0], 0), undefined);
    const burst = Array.from({ length: 20 }, (_, at) => at);
    assert.match(fatalReason(from('dist/dns/server.js'), burst, 20) ?? '', /20 errors within 10 s/);
    assert.equal(fatalReason(from('dist/dns/server.js'), burst, 60_000), undefined);
  });
});
