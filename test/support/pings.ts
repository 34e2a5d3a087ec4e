/** How fast a scheduler answers others while something is under way. */
import assert from 'node:assert/strict';
import { promisedMs } from './promised.ts';

const PINGS = 100;
/** A machine that is busy with something else slows single rounds; a leader that stands still slows all of them. */
const ROUNDS = 10;
const PROMISED_MS = 50;

async function p99Ms(url: string): Promise<number> {
  const tookMs: number[] = [];
  for (let n = 0; n < PINGS; n++) {
    const askedMs = performance.now();
    const answer = await fetch(`${url}/_ping`);
    await answer.arrayBuffer();
    assert.equal(answer.status, 200);
    tookMs.push(performance.now() - askedMs);
  }
  return tookMs.toSorted((a, b) => a - b)[Math.floor(PINGS * 0.99) - 1] ?? Number.POSITIVE_INFINITY;
}

/** To be called before: what pings take when nothing is under way. What it returns throws if pings take far longer than that, and than promised. */
export async function pingsOf(url: string): Promise<() => Promise<void>> {
  const idleMs = await p99Ms(url);
  const boundMs = Math.max(promisedMs(PROMISED_MS), 5 * idleMs);
  return async () => {
    const rounds: number[] = [];
    while (rounds.length < ROUNDS && !rounds.some((ms) => ms < boundMs)) rounds.push(await p99Ms(url));
    assert.ok(
      Math.min(...rounds) < boundMs,
      `the 99th percentile of pings is ${rounds.map(Math.round).join(', ')} ms, idle ${Math.round(idleMs)} ms`,
    );
  };
}
