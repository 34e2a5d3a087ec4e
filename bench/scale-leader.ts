/**
 * A scheduler in a process of its own, for bench/scale.ts: `scale-leader.ts NAME STORE`, its store as JSON. Says where it listens; answers `usage` with what it has used, `heap` with what it holds.
 * `profile FILE` writes there what its CPU did since the last such message, or since it began.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { startSmallScheduler } from '../test/support/fakes/small-scheduler.ts';

const [, , name = '', store = ''] = process.argv;
const leader = await startSmallScheduler(name, JSON.parse(store) as Parameters<typeof startSmallScheduler>[1], {
  // The second one is there to lead after the first, and to miss a host; for the first, hosts that share its machine may be late.
  own: { bodyLimit: 4 << 20, ...(name === 's2' && { hostDownAfter: 10_000 }) },
});
const inspector = process.env['SCALE_PROF'] === undefined ? undefined : new Session();
inspector?.connect();
await inspector?.post('Profiler.enable');
await inspector?.post('Profiler.start');
process.on('message', (asked) => {
  const [, file] = /^profile (.*)$/.exec(String(asked)) ?? [];
  if (file !== undefined) {
    void inspector?.post('Profiler.stop').then(async ({ profile }) => {
      writeFileSync(file, JSON.stringify(profile));
      await inspector.post('Profiler.start');
      process.send?.('profiled');
    });
    return;
  }
  if (asked === 'usage') {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuMs: (user + system) / 1_000, rssBytes: process.memoryUsage.rss() });
    return;
  }
  if (asked === 'heap') {
    // what is held, without what is garbage
    globalThis.gc?.();
    process.send?.(process.memoryUsage().heapUsed);
    return;
  }
  void leader[Symbol.asyncDispose]().then(() => process.exit(0));
});
// the bench has ended without a word
process.on('disconnect', () => process.exit(1));
process.send?.({ url: leader.url });
