/** A separate process with an embedded store: `node --import tsx store-process-main.ts DIR MODE`. Prints what it did as lines of JSON. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { isKind } from '../../../src/model/index.ts';
import { type Operation, openEmbedded } from '../../../src/store/index.ts';

const [dir = '', mode = ''] = process.argv.slice(2);
const say = (what: object) => void process.stdout.write(`${JSON.stringify(what)}\n`);
const store = await openEmbedded(dir, pino({ level: 'silent' }));
const never = new AbortController().signal;

/** Writes three keys at a time, each with the same number; prints the number once the store has acknowledged it. */
async function writeForever(): Promise<void> {
  for (let i = 0; ; i += 1) {
    const operations = ['a', 'b', 'c'].map(
      (leaf): Operation => ({ op: 'set', key: `${process.pid}/${i}/${leaf}`, value: 'x'.repeat(i % 3000) }),
    );
    await store.transact(operations);
    say({ acknowledged: i });
    if (i % 20 === 0) await sleep(1);
  }
}

/** `isStopped`: stops itself after its first write, and goes on at a SIGCONT. A process that is stopped within a write stops the writes of all others. */
async function writeUnderLock(isStopped: boolean): Promise<void> {
  const lock = await store.lock('lock', process.pid, { ttlMs: 3_000, name: 'child' }, never);
  lock.lost.addEventListener('abort', () => say({ lost: true }), { once: true });
  say({ locked: true });
  for (let writes = 1; ; writes++) {
    const error = await store.transact([{ op: 'set', key: 'last', value: process.pid }], lock.fence).catch((err: unknown) => err);
    if (isKind(error, 'not-leader')) return say({ refused: true });
    say({ idle: true });
    if (isStopped && writes === 1) process.kill(process.pid, 'SIGSTOP');
    await sleep(400);
  }
}

/** Fills its disk, is refused, makes room, goes on. */
async function fillDisk(): Promise<void> {
  const ballast = join(dir, '..', 'ballast');
  writeFileSync(ballast, Buffer.alloc(1024 * 1024));
  let written = 0;
  const write = () => store.transact([{ op: 'set', key: `k${written}`, value: 'x'.repeat(50_000) }]);
  for (;;) {
    const error = await write().catch((err: unknown) => err);
    if (error instanceof Error) {
      say({
        written,
        kind: isKind(error, 'unavailable') ? 'unavailable' : error.name,
        message: error.message,
        readable: (await store.list('k')).length,
      });
      break;
    }
    written += 1;
  }
  rmSync(ballast);
  await write();
  say({ readable: (await store.list('k')).length });
}

const modes: Readonly<Record<string, () => Promise<void>>> = {
  write: writeForever,
  lock: () => writeUnderLock(false),
  stop: () => writeUnderLock(true),
  fill: fillDisk,
};
await modes[mode]?.();
await store[Symbol.asyncDispose]();
