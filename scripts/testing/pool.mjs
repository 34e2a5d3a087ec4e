// Many jobs, some at a time: each has a weight, and what runs never weighs more than the capacity.

/**
 * In the caller's order: none overtakes another. A job that is heavier than all there is goes alone.
 * @template {{ readonly weight: number }} Job
 * @param {readonly Job[]} jobs
 * @param {number} capacity
 * @param {(job: Job) => Promise<void>} run
 */
export async function runAll(jobs, capacity, run) {
  const running = new Set();
  let load = 0;
  for (const job of jobs) {
    const weight = Math.min(job.weight, capacity);
    while (load + weight > capacity) await Promise.race(running);
    load += weight;
    const done = run(job).finally(() => {
      running.delete(done);
      load -= weight;
    });
    running.add(done);
  }
  await Promise.all(running);
}
