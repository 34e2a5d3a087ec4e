// Many jobs, some at a time: each has a weight, and what runs never weighs more than the capacity.

/**
 * Whenever there is room, the first in the caller's order that fits starts: put heavy ones first. A job that is heavier than all there is goes
 * alone.
 * @template {{ readonly weight: number }} Job
 * @param {readonly Job[]} jobs
 * @param {number} capacity
 * @param {(job: Job) => Promise<void>} run
 */
export async function runAll(jobs, capacity, run) {
  const waiting = [...jobs];
  const running = new Map();
  const weightOf = (job) => Math.min(job.weight, capacity);
  while (waiting.length > 0) {
    const free = capacity - [...running.values()].reduce((sum, weight) => sum + weight, 0);
    const next = waiting.findIndex((job) => weightOf(job) <= free);
    if (next < 0) {
      await Promise.race(running.keys());
      continue;
    }
    const [job] = waiting.splice(next, 1);
    const done = run(job).finally(() => running.delete(done));
    running.set(done, weightOf(job));
  }
  await Promise.all(running.keys());
}
