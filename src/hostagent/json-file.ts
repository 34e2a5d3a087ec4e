/** Effects: JSON files that outlive the agent, so that a host continues with its names and networks when no leader answers. */
import { readFileSync, renameSync } from 'node:fs';
import type { z } from 'zod';
import { accept, parseJson } from '../schemas/index.ts';
import type { Logger } from '../telemetry/log.ts';
import { writeDurably } from '../files/durable-file.ts';
import { createBatchQueue, type BatchQueue } from '../async/batch-queue.ts';
import { reportFault } from '../telemetry/faults.ts';

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

/** What a file holds, and what its loss means, for the message about one that cannot be read. */
export interface FileKind<T> {
  readonly schema: z.ZodType<T>;
  /** A sentence: what is missing now, and what brings it back. */
  readonly loss: string;
}

/** What waits for one file goes to `write` together. A failed write is logged. */
export function pacedWrites<T>(file: string, write: (items: readonly T[]) => Promise<void>, log: Logger): BatchQueue<T> {
  let wroteAtMs = -WRITE_MS;
  return createBatchQueue(
    async (items: readonly T[]) => {
      try {
        await write(items);
      } catch (err) {
        log.error({ file, err }, 'cannot write');
      }
      wroteAtMs = performance.now();
    },
    (err) => reportFault(log, 'writing a file', err),
    WRITE_MS,
    () => performance.now() - wroteAtMs >= WRITE_MS,
  );
}

/** A file that cannot be read, or that holds something else, is logged, and counts as none; the next `save` replaces it. */
export function openJsonFile<T>(file: string, kind: FileKind<T>, log: Logger): JsonFile<T> {
  let value = readJsonFile(file, kind, log);
  const queue = pacedWrites<T>(file, (values) => writeDurably(file, JSON.stringify(values.at(-1))), log);
  return {
    value: () => value,
    save(next) {
      value = next;
      queue.add(next);
    },
  };
}

/** Undefined without a file; an unreadable one is logged as an error and set aside under `FILE.unreadable`. */
export function readJsonFile<T>(file: string, { schema, loss }: FileKind<T>, log: Logger): T | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ENOENT') log.error({ file, err }, `cannot read ${file}: ${loss}`);
    return undefined;
  }
  try {
    return accept(schema, parseJson(text), file);
  } catch (err) {
    const aside = setAside(file);
    log.error({ file, aside, err }, `${file} is damaged and is ignored: ${loss}`);
    return undefined;
  }
}

/** So that somebody can look at what it held. */
function setAside(file: string): string | undefined {
  try {
    renameSync(file, `${file}.unreadable`);
    return `${file}.unreadable`;
  } catch {
    return undefined; // a read-only disk: the message is all that can be done
  }
}
