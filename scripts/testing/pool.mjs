// Many jobs, some at a time: each has a weight, and what runs never weighs more than the capacity.

/**
 * In the caller's order: none overtakes another. A job that is heavier than all there is goes alone.
 * @template {{ readonly weight: number }} Job
 * @param {readonly Job[]} jobs
 * @param {number} capacity
 * @param {(job: Job) => Promise<void>} run
 */
export async function runAll(jobs, capacity, run) {
  const running = new Map();
  for (const job of jobs) {
    const free = () => capacity - [...running.values()].reduce((sum, weight) => sum + weight, 0);
    const weight = Math.min(job.weight, capacity);
    while (free() < weight) await Promise.race(running.keys());
    const done = run(job).finally(() => running.delete(done));
    running.set(done, weight);
  }
  await Promise.all(running.keys());
}
