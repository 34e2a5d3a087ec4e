/** Effects: JSON that outlives the agent (names, plans), so that a host serves them with no leader at all. Last value wins, whole or not at all. */
import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import type { Logger } from '../telemetry/log.ts';
import { createLane, type Lane } from './batch-queue.ts';

export interface Kept<T> {
  /** What the last run left; undefined if nothing readable. */
  load(): T | undefined;
  save(value: T): void;
}

const EVERY_MS = 500;

/**
 * The first change is written at once: with the power, all that was not is gone. Others at most twice a second: names change in bursts, and a
 * leader tells them all anew.
 */
export function openJsonFile<T>(file: string, log: Logger): Kept<T> {
  let wroteAtMs = -EVERY_MS;
  const lane: Lane<T> = createLane(
    async (values) => {
      try {
        await writeDurably(file, JSON.stringify(values.at(-1)));
      } catch (err) {
        log.error({ file, err }, 'cannot write');
      }
      wroteAtMs = performance.now();
    },
    EVERY_MS,
    () => performance.now() - wroteAtMs >= EVERY_MS,
  );
  return {
    save: (value) => lane.add(value),
    load() {
      try {
        return JSON.parse(readFileSync(file, 'utf8')) as T;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') log.warn({ file, err: error }, 'unreadable, starting without it');
        return undefined;
      }
    },
  };
}

/** Whole or not at all, and on the disk when this resolves: a rename alone may outlive the power with nothing in the file. */
export async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}
