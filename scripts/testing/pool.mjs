// Many jobs, some at a time: each has a weight, and what runs weighs at most half a seat more than the seats there are.
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Between two looks at how busy the processors are: what was started last must have begun to use them. */
const LOOK_MS = 8_000;
const MUCH_IDLE = 0.08;
const LITTLE_IDLE = 0.02;
/** So much more than there is room a job may weigh: one seat becomes free at a time, and those of one and a half would wait for all others. */
const HALF_A_SEAT = 0.5;

/** @returns {() => number} the share of all processors that nobody used since it was called last, from 0 to 1 */
export function idleShare() {
  const now = () => cpus().map(({ times }) => ({ idle: times.idle, all: Object.values(times).reduce((sum, ms) => sum + ms, 0) }));
  const sum = (figures) =>
    figures.reduce((total, { idle, all }) => ({ idle: total.idle + idle, all: total.all + all }), { idle: 0, all: 0 });
  let before = sum(now());
  return () => {
    const after = sum(now());
    const share = (after.idle - before.idle) / Math.max(1, after.all - before.all);
    before = after;
    return share;
  };
}

/**
 * Whenever there is room, the first in the caller's order that fits starts: put heavy ones first. A job that is heavier than all there is goes
 * alone. With `idle`, seats are added one at a time, up to twice as many, while the processors have much time left, and taken back when
 * they have none: jobs that wait for Engines most of the time share them with more others.
 * @template {{ readonly weight: number }} Job
 * @param {readonly Job[]} jobs
 * @param {number} capacity
 * @param {(job: Job) => Promise<void>} run
 * @param {(() => number) | undefined} idle
 */
export async function runAll(jobs, capacity, run, idle) {
  const waiting = [...jobs];
  const running = new Map();
  const weightOf = (job) => Math.min(job.weight, capacity);
  let seats = capacity;
  let lookedAt = performance.now();
  while (waiting.length > 0) {
    const free = seats - [...running.values()].reduce((sum, weight) => sum + weight, 0);
    const next = waiting.findIndex((job) => free > 0 && weightOf(job) <= free + HALF_A_SEAT);
    if (next < 0) {
      const look = idle === undefined ? [] : [sleep(Math.max(0, lookedAt + LOOK_MS - performance.now()), undefined, { ref: false })];
      await Promise.race([...running.keys(), ...look]);
      if (idle === undefined || performance.now() < lookedAt + LOOK_MS) continue;
      const share = idle();
      lookedAt = performance.now();
      if (share > MUCH_IDLE) seats = Math.min(seats + 1, 2 * capacity);
      else if (share < LITTLE_IDLE) seats = Math.max(seats - 1, capacity);
      continue;
    }
    const [job] = waiting.splice(next, 1);
    const done = run(job).finally(() => running.delete(done));
    running.set(done, weightOf(job));
    lookedAt = performance.now();
  }
  await Promise.all(running.keys());
}
