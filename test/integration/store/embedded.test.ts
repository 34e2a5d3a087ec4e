/** The embedded store among processes that are killed, stopped, and out of disk. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { pino } from 'pino';
import { isKind } from '../../../src/model/index.ts';
import { openEmbedded, type StateStore } from '../../../src/store/index.ts';
import { until } from '../../support/cluster/cluster.ts';
import { repository } from '../../support/cluster/paths.ts';
import { promisedMs } from '../../support/promised.ts';

const log = pino({ level: 'silent' });
/** Of the children's locks, as store-process-main.ts has it. */
const TTL_MS = 3_000;
const LONG_TTL_MS = 120_000;

interface Line {
  readonly acknowledged?: number;
  readonly locked?: true;
  readonly idle?: true;
  readonly lost?: true;
  readonly refused?: true;
  readonly written?: number;
  readonly kind?: string;
  readonly message?: string;
  readonly readable?: number;
}

class Child {
  readonly lines: Line[] = [];
  readonly process: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(command: string, args: readonly string[]) {
    this.process = spawn(command, args, { cwd: repository, stdio: ['ignore', 'pipe', 'inherit'] });
    // with all that it has written
    this.#exited = once(this.process, 'close');
    const { stdout } = this.process;
    if (stdout !== null) createInterface({ input: stdout }).on('line', (line) => this.lines.push(JSON.parse(line) as Line));
  }
  async until(holds: (lines: readonly Line[]) => boolean): Promise<void> {
    await until('the child has said it', () => {
      if (!holds(this.lines)) throw new Error(`it has said ${JSON.stringify(this.lines.slice(-3))}`);
      return true;
    });
  }
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.#exited;
  }
}

const node = (dir: string, mode: string) => ['--import', 'tsx', 'test/support/cluster/store-process-main.ts', dir, mode];
const start = (dir: string, mode: string) => new Child(process.execPath, node(dir, mode));

describe('the embedded store', { timeout: 600_000 }, () => {
  let dir: string;
  let store: StateStore;
  const children: Child[] = [];
  const child = (mode: string) => {
    const started = start(dir, mode);
    children.push(started);
    return started;
  };

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'arpanet-store-'));
    store = await openEmbedded(dir, log);
  });
  after(async () => {
    for (const each of children) await each.kill();
    await store[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  it('keeps every acknowledged write of processes killed in the middle of writing, and no half of a transaction', async () => {
    for (let round = 0; round < 4; round += 1) {
      const writers = [child('write'), child('write')];
      await Promise.all(writers.map((each) => each.until((lines) => lines.length > 100 + round * 37)));
      await Promise.all(writers.map((each) => each.kill()));
      await store[Symbol.asyncDispose]();
      store = await openEmbedded(dir, log);
      for (const { process, lines } of writers) {
        const found = await store.list(`${process.pid}/`);
        const last = lines.at(-1)?.acknowledged ?? -1;
        assert.ok(found.length >= (last + 1) * 3, `${last + 1} acknowledged, ${found.length / 3} found`);
        assert.equal(found.length % 3, 0);
        for (const entry of found) assert.equal(entry.value, 'x'.repeat(Number(entry.key.split('/')[1]) % 3000));
      }
    }
    assert.equal((await store.transact([{ op: 'set', key: 'still', value: 'writable' }])).kind, 'committed');
  });

  it('gives the lock of a killed process to another when its time to live has passed', async () => {
    const holder = child('lock');
    await holder.until((lines) => lines.some(({ locked }) => locked));
    await holder.kill();
    const startedMs = performance.now();
    const lock = await store.lock('lock', 'parent', { ttlMs: LONG_TTL_MS, name: 'parent' }, AbortSignal.timeout(60_000));
    const tookMs = performance.now() - startedMs;
    // it had been renewed a third of its time before its end, at the most
    assert.ok(tookMs > 500 && tookMs < promisedMs(TTL_MS + 1_000), `${tookMs} ms`);
    await lock.release();
  });

  it('refuses the fenced write of a process that was stopped for longer than its time to live, with that reason', async () => {
    const holder = child('stop');
    // it stops itself: one that is stopped within a write stops the writes of all others
    await holder.until((lines) => lines.some(({ idle }) => idle));
    const lock = await store.lock('lock', 'parent', { ttlMs: LONG_TTL_MS, name: 'parent' }, AbortSignal.timeout(60_000));
    await store.transact([{ op: 'set', key: 'last', value: 'parent' }], lock.fence);
    holder.process.kill('SIGCONT');
    await holder.until((lines) => lines.some(({ refused }) => refused) && lines.some(({ lost }) => lost));
    assert.equal((await store.get('last'))?.value, 'parent');
    assert.equal(lock.lost.aborted, false);
    await lock.release();
  });

  it('says unavailable when its disk is full, goes on reading, and writes again when there is room', async () => {
    const mount = join(dir, 'small');
    // In a mount namespace of its own: it goes with the process.
    const script = `mkdir -p ${mount} && mount -t tmpfs -o size=4m tmpfs ${mount} && exec "$0" "$@"`;
    const filler = new Child('unshare', ['-m', 'sh', '-c', script, process.execPath, ...node(join(mount, 'store'), 'fill')]);
    children.push(filler);
    await filler.until((lines) => lines.length === 2);
    const [full, roomy] = filler.lines;
    assert.equal(full?.kind, 'unavailable');
    assert.match(full.message ?? '', /cannot write the state store in .*small.store: is its disk full/);
    assert.equal(full.readable, full.written);
    assert.equal(roomy?.readable, (full.written ?? 0) + 1);
  });

  it('says unavailable when its disk is full before its first start, and leaves no database there', async () => {
    const mount = join(dir, 'full');
    const script = `mkdir -p ${mount} && mount -t tmpfs -o size=512k tmpfs ${mount} && "$0" "$@"; ls ${mount}/store`;
    const { stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script, process.execPath, ...node(join(mount, 'store'), 'write')], {
      cwd: repository,
      encoding: 'utf8',
    });
    assert.equal(stdout, '');
    assert.match(stderr, /cannot open the state store in .*full.store: is its disk full/);
  });

  it('says unavailable, and where, when its directory cannot be one', async () => {
    const file = join(dir, 'file');
    await writeFile(file, '');
    await assert.rejects(openEmbedded(file, log), (error: Error) => isKind(error, 'unavailable') && error.message.includes(file));
    await assert.rejects(openEmbedded(join(file, 'store'), log), (error) => isKind(error, 'unavailable'));
  });
});
