/**
 * What happens at a named point of the scheduler's code. A file `DIR/<point>` that holds `kill` ends this process there, once; one that holds
 * `wait` is renamed to `<point>.reached`, and the code goes on when that is gone. Effects: files; the end of this process.
 */
import { existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FailpointHook } from '../../src/model/index.ts';

const WAIT_AT_MOST_MS = 30_000;

/** Throws without such a folder: a test that arms nothing would prove nothing. */
export function failpointsIn(dir: string): FailpointHook {
  if (!existsSync(dir) || !statSync(dir).isDirectory()) throw new Error(`"${dir}" is not a folder`);
  return async (point) => {
    const file = join(dir, point);
    const action = read(file);
    if (action === 'kill') {
      rmSync(file);
      process.kill(process.pid, 'SIGKILL');
    }
    if (action !== 'wait') return;
    const reached = `${file}.reached`;
    renameSync(file, reached);
    for (let leftMs = WAIT_AT_MOST_MS; leftMs > 0 && existsSync(reached); leftMs -= 50) await sleep(50);
  };
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
