import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Output } from './cluster.ts';
import type { Lab } from './lab.ts';

/** What an Engine writes to its log when a container has ended before it was read: its output is lost, on a bare Engine as well (moby, libcontainerd's fifos). */
const LOST = /reading from a closed fifo/g;

/**
 * `docker run --rm` that is done again if an Engine of this lab has lost its output: on a busy machine a container that only says a word may end before
 * its Engine reads. Nothing else is tried again.
 */
export function rerunWhereLost(lab: Lab, docker: (...args: string[]) => Promise<Output>): (...args: string[]) => Promise<Output> {
  let known = 0;
  const hasLost = (): boolean => {
    const lost = lab.hosts
      .map(({ dir }) => readFileSync(join(dir, 'engine.log'), 'utf8').match(LOST)?.length ?? 0)
      .reduce((sum, count) => sum + count, 0);
    const isMore = lost > known;
    known = lost;
    return isMore;
  };
  return async (...args) => {
    const output = await docker(...args);
    const isSilent = args[0] === 'run' && args.includes('--rm') && output.code === 0 && output.stdout === '' && output.stderr === '';
    return isSilent && hasLost() ? await docker(...args) : output;
  };
}
