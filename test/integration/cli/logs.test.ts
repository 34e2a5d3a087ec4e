/** `arpanet logs` with Engines that flood and a reader that stops. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { arpanetProgram } from '../../../src/cli/program.ts';
import { until } from '../../support/fakes/fake-cluster.ts';
import { literalContainer } from '../../support/fakes/literal-cluster.ts';
import { type Small, startSmall } from '../../support/fakes/small-engine.ts';
import { heldMemory } from '../../support/held-memory.ts';
import { pingsOf } from '../../support/pings.ts';

const MIB = 1024 * 1024;
const IDS = ['1', '2', '3'].map((digit) => digit.repeat(64));
const FILL = 'x'.repeat(1_000);

/** Lines of the instances take turns: line 0 of the first, of the second, of the third, line 1 of the first, … */
function frameOf(instance: number, n: number): Buffer {
  const at = (n * IDS.length + instance).toString().padStart(9, '0');
  const text = Buffer.from(`2026-01-01T00:00:00.${at}Z ${FILL} ${n}\n`);
  const head = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(text.length, 4);
  return Buffer.concat([head, text]);
}

interface Flooded extends AsyncDisposable {
  readonly small: Small;
  /** Bytes that the Engines have written. */
  readonly written: () => number;
  /** The queries of the logs that were asked for. */
  readonly asked: readonly URLSearchParams[];
}

/** Three instances, each of which writes so many lines, or without end, as fast as it is read. */
async function floods(lines: number): Promise<Flooded> {
  let written = 0;
  const asked: URLSearchParams[] = [];
  const flood = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const instance = IDS.findIndex((id) => req.url?.includes(id) === true);
    asked.push(new URL(req.url ?? '', 'http://engine').searchParams);
    const isGone = once(res, 'close');
    res.writeHead(200, { 'Content-Type': 'application/vnd.docker.multiplexed-stream' });
    for (let n = 0; n < lines && !res.destroyed; n += 50) {
      const piece = Buffer.concat(Array.from({ length: Math.min(50, lines - n) }, (_, at) => frameOf(instance, n + at)));
      written += piece.length;
      if (!res.write(piece)) await Promise.race([new Promise((resolve) => res.once('drain', resolve)), isGone]);
    }
    res.end();
  };
  const containers = IDS.map((id, at) => literalContainer({ id, name: `abc-web-${at + 1}` }));
  const services = [{ deployment: 'abc', service: 'web', instances: IDS.map((id, at) => ({ id, number: at + 1, host: 'h1' })) }];
  const small = await startSmall({
    listener: (req, res) => void flood(req, res),
    known: { containers: { list: () => containers } },
    deps: { operator: (_req, res) => void res.end(JSON.stringify(services)) },
  });
  return { small, asked, written: () => written, [Symbol.asyncDispose]: () => small[Symbol.asyncDispose]() };
}

/** A terminal whose reader stops after so many lines, until it is told to go on. */
function reader(stopsAfter: number, reads: (count: number) => void = () => undefined) {
  const got: string[] = [];
  let isThere = true;
  let goOn = (): void => undefined;
  const going = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const paced = async (text: string): Promise<boolean> => {
    got.push(text.replace(FILL, ''));
    reads(got.length);
    if (got.length >= stopsAfter) await going;
    return isThere;
  };
  const leave = (): void => {
    isThere = false;
  };
  const run = (small: Small, ...words: readonly string[]): Promise<unknown> => {
    const program = arpanetProgram({
      env: { ARPANET_ENDPOINT: `tcp://127.0.0.1:${small.port}` },
      out: (text) => assert.fail(`not paced: ${text.slice(0, 80)}`),
      paced,
      say: () => undefined,
      isTerminal: false,
      columns: undefined,
    });
    return program.parseAsync(['logs', 'abc/web', ...words], { from: 'user' });
  };
  return { got, goOn, leave, run };
}

/** Until the Engines write nothing more, pings are answered as ever. */
async function held({ written }: Flooded, pingsAreFast: () => Promise<void>): Promise<void> {
  for (let before = -1; before !== written(); ) {
    before = written();
    await pingsAreFast();
  }
}

describe('arpanet logs', () => {
  it('prints whole logs in the order of their times, and reads them only as fast as they are printed', async () => {
    const LINES = 40_000;
    await using flooded = await floods(LINES);
    const pingsAreFast = await pingsOf(flooded.small.url);
    let most = 0;
    const { got, goOn, run } = reader(100, (count) => {
      if (count % 5_000 === 0) most = Math.max(most, heldMemory());
    });
    const before = heldMemory();
    const done = run(flooded.small);
    await until(() => got.length === 100, 'the first lines', 30_000);
    await held(flooded, pingsAreFast);
    const all = LINES * IDS.length * frameOf(0, 0).length;
    assert.ok(flooded.written() < all / 2, `${flooded.written() / MIB} of ${all / MIB} MiB were read for nobody`);
    goOn();
    await done;
    // of 120 MiB in all; garbage, which RSS has too, is as much as the machine's load lets it be
    assert.ok(most - before < 60 * MIB, `held ${Math.round((most - before) / MIB)} MiB more`);
    assert.equal(got.length, LINES * IDS.length);
    got.forEach((line, at) => {
      const expected = `web-${(at % IDS.length) + 1} h1 |  ${Math.floor(at / IDS.length)}\n`;
      if (line !== expected) assert.equal(line, expected, `line ${at}`);
    });
  });

  it('prints one JSON object per line, of the time that is asked for', async () => {
    await using flooded = await floods(1);
    const { got, run } = reader(100);
    await run(flooded.small, '--json', '--since', '2026-01-01T00:00:00Z', '--until', '1780000000', '--tail', '5');
    assert.deepEqual(
      flooded.asked.map((query) => ['since', 'until', 'tail'].map((name) => query.get(name))),
      IDS.map(() => ['1767225600', '1780000000', '5']),
    );
    const [first] = got.map((line) => JSON.parse(line) as unknown);
    assert.equal(got.length, IDS.length);
    assert.deepEqual(first, {
      time: '2026-01-01T00:00:00.000000000Z',
      deployment: 'abc',
      service: 'web',
      number: 1,
      host: 'h1',
      container: IDS[0],
      instance: 'web-1 h1',
      stream: 'stdout',
      text: ' 0',
    });
    await assert.rejects(run(flooded.small, '--since', 'yesterday'), { kind: 'invalid', message: /--since is "yesterday"/ });
  });

  it('that follows holds back instances without end while its reader has stopped, and goes on afterwards', async () => {
    await using flooded = await floods(Number.POSITIVE_INFINITY);
    const pingsAreFast = await pingsOf(flooded.small.url);
    const { got, goOn, leave, run } = reader(100);
    const before = process.memoryUsage().rss;
    const done = run(flooded.small, '-f');
    await until(() => got.length >= 100, 'the first lines', 30_000);
    await held(flooded, pingsAreFast);
    assert.ok(got.length < 100 + IDS.length, `${got.length} lines`);
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < 150 * MIB, `grew by ${Math.round(grown / MIB)} MiB`);
    goOn();
    await until(() => got.length > 5_000, 'it goes on', 30_000);
    leave();
    await done;
  });
});
