/**
 * How long it takes until another leads, and a client that waited is answered, with a Consul that needs so long for each answer:
 * `node --import tsx bench/slow-store.ts 2400`. A dead leader holds the lock; two schedulers follow it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startConsul } from '../test/support/servers/consul.ts';
import { slowConsul, standInLeader } from '../test/support/servers/slow-consul.ts';
import { startSmallScheduler } from '../test/support/fakes/small-scheduler.ts';

const delayMs = Number(process.argv[2] ?? 2_400);
const consul = await startConsul();
const slow = await slowConsul(consul.http);
const leader = await standInLeader(consul.http);
slow.delayMs = delayMs;
const schedulers = await Promise.all(['s1', 's2'].map((name) => startSmallScheduler(name, { kind: 'consul', address: slow.address })));
await sleep(6 * delayMs);
const sinceMs = performance.now();
leader.die();
const asked = await schedulers[0]?.call('GET', '/containers/json').catch((error: unknown) => error);
console.log({ delayMs, answeredMs: Math.round(performance.now() - sinceMs), asked });
for (const scheduler of schedulers) await scheduler[Symbol.asyncDispose]();
await leader[Symbol.asyncDispose]();
await slow[Symbol.asyncDispose]();
await consul.stop();
process.exit(0);
