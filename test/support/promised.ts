/** Times that the product promises, on a machine that has other work as well. */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';

/** Where more than these wait for each processor, nothing can be said any more. */
const MOST = 4;

/**
 * What is promised within `ms` milliseconds on an idle machine takes longer where processes wait for a processor: in proportion to how many
 * do, now and on average over the last minute.
 */
export function promisedMs(ms: number): number {
  const [average = 0] = loadavg();
  const running = existsSync('/proc/loadavg') ? Number(/ (\d+)\//.exec(readFileSync('/proc/loadavg', 'utf8'))?.[1]) : 0;
  return ms * Math.min(MOST, Math.max(1, average / availableParallelism(), running / availableParallelism()));
}
