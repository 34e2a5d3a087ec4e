/** Effects: JSON files that outlive the agent, so that a host continues with its names and networks when no leader answers. */
import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import type { Logger } from '../telemetry/log.ts';
import { createBatchQueue, type BatchQueue } from '../async/batch-queue.ts';

export interface JsonFile<T> {
  /** The value saved last, in this run or the one before; undefined if there is none that can be read. */
  value(): T | undefined;
  /** `value` changes at once; the file follows. A failed write is logged. */
  save(value: T): void;
}

/**
 * Between two writes. The first change after a rest is written at once, because a power cut loses all that was not; then at most twice a
 * second, because names change in bursts and a new leader sends them all again. DNS does not wait for this.
 */
const WRITE_MS = 500;

/** An unreadable file is logged, and counts as none. */
export function openJsonFile<T>(file: string, log: Logger): JsonFile<T> {
  let value = read<T>(file, log);
  let wroteAtMs = -WRITE_MS;
  const queue: BatchQueue<T> = createBatchQueue(
    async (values) => {
      try {
        await writeDurably(file, JSON.stringify(values.at(-1)));
      } catch (err) {
        log.error({ file, err }, 'cannot write');
      }
      wroteAtMs = performance.now();
    },
    WRITE_MS,
    () => performance.now() - wroteAtMs >= WRITE_MS,
  );
  return {
    value: () => value,
    save(next) {
      value = next;
      queue.add(next);
    },
  };
}

function read<T>(file: string, log: Logger): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') log.warn({ file, err: error }, 'unreadable, starting without it');
    return undefined;
  }
}

/** The file has the old text or all of the new one, also after a power cut: the text is synced before the rename. Throws Node's error. */
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
