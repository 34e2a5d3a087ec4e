/**
 * Effects: the LMDB database of the embedded store (files in `dir`): entries with a modify index, and lock records.
 *
 * A process killed during a write blocks nobody; one that is stopped there (SIGSTOP) blocks all others until it continues.
 * Every write is one synchronous LMDB transaction that is on disk when it returns (about 0.3 ms on an SSD). Asynchronous transactions of lmdb-js
 * are not used because their callback is never called with the prebuilt library of 3.5.6, nor `ifVersion` because it crashes.
 * That library also frees its pages twice when the disk is full, which ends the process: no write starts with less than MIN_FREE_BYTES free.
 */
import { existsSync, mkdirSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { z } from 'zod';
import { ArpanetError } from '../../model/index.ts';
import { accept, parseJson } from '../../schemas/index.ts';
import type { Entry } from '../contract.ts';
import { entryOf } from '../entry.ts';
import { damaged, isDamage, refuseDamaged } from './damage.ts';

/** The holder of a lock, and until when. Expired once the machine has restarted or `expiresMs` has passed. */
export interface LockRecord {
  readonly session: string;
  readonly name: string;
  readonly boot: string;
  /** On the clock of `nowMs`. */
  readonly expiresMs: number;
}

/** What a write may do; only valid within it. */
export interface Writer {
  /** The modify index of all entries that this transaction writes. */
  readonly index: number;
  put(key: string, json: string): void;
  remove(key: string): void;
  putLock(key: string, lock: LockRecord): void;
  removeLock(key: string): void;
}

export interface EmbeddedDb {
  /** Grows with every change of an entry or of a lock's holder, whichever process makes it. */
  generation(): number;
  get(key: string): Entry | undefined;
  /** 0: absent. Cheaper than get. */
  indexOf(key: string): number;
  list(prefix: string): readonly Entry[];
  indexes(prefix: string): ReadonlyMap<string, number>;
  /** Changes if and only if list(prefix) does. Cheaper than list. */
  signature(prefix: string): string;
  /** The holder whose lock has not expired. */
  lockOf(key: string): LockRecord | undefined;
  /** Runs `change` in a transaction: all that it writes is on disk when this returns; if it throws, nothing is written. */
  write<T>(change: (writer: Writer) => T): T;
  close(): Promise<void>;
}

/** More than a transaction writes: at most 512 KiB of entries, and the pages of the tree that lead to them. */
const MIN_FREE_BYTES = 1024 * 1024;
const GENERATION = 'generation';
const ENTRY = 'entry ';
const LOCK = 'lock ';

/** A clock shared by all processes of the machine, which nobody can set. It restarts with the machine, so `bootId` tells two starts apart. */
export const nowMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);
export const bootId = readBootId();

/** Throws `unavailable` if the directory cannot be used, or if the database in it is damaged. */
export async function openDb(dir: string): Promise<EmbeddedDb> {
  await refuseDamaged(dir);
  const { open } = await import('lmdb');
  const db = attempt(dir, 'open', (): RootDatabase<string, string> => {
    // The database holds the join token.
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    // An empty file would be left behind, which reads as a damaged database.
    if (!existsSync(join(dir, 'data.mdb'))) refuseFullDisk(dir);
    return open<string, string>({ path: dir, encoding: 'string', noSubdir: false, overlappingSync: false });
  });
  let isOpen = true;

  /** A read transaction that sees what other processes have written until now. */
  function fresh(): RootDatabase<string, string> {
    if (!isOpen) throw new ArpanetError('unavailable', `the state store in ${dir} is closed`);
    db.resetReadTxn();
    return db;
  }
  function* under(prefix: string): Generator<readonly [string, string]> {
    for (const { key, value } of fresh().getRange({ start: ENTRY + prefix })) {
      if (!key.startsWith(ENTRY + prefix)) return;
      yield [key.slice(ENTRY.length), value];
    }
  }
  const generation = () => Number(fresh().get(GENERATION) ?? 0);

  return {
    generation,
    get(key) {
      const stored = fresh().get(ENTRY + key);
      return stored === undefined ? undefined : toEntry(key, stored);
    },
    indexOf: (key) => indexIn(db.get(ENTRY + key)),
    list: (prefix) => Array.from(under(prefix), ([key, stored]) => toEntry(key, stored)),
    indexes: (prefix) => new Map(Array.from(under(prefix), ([key, stored]) => [key, indexIn(stored)] as const)),
    signature: (prefix) => Array.from(under(prefix), ([key, stored]) => `${key}\0${indexIn(stored)}`).join('\0'),
    lockOf(key) {
      const stored = fresh().get(LOCK + key);
      const lock = stored === undefined ? undefined : readLock(stored);
      return lock !== undefined && lock.boot === bootId && lock.expiresMs > nowMs() ? lock : undefined;
    },
    write(change) {
      return attempt(dir, 'write', () => {
        refuseFullDisk(dir);
        return fresh().transactionSync(() => {
          const index = generation() + 1;
          const put = (key: string, value: string): void => {
            db.putSync(key, value);
          };
          return change({
            index,
            put(key, json) {
              put(ENTRY + key, `${index} ${json}`);
              put(GENERATION, String(index));
            },
            remove(key) {
              db.removeSync(ENTRY + key);
              put(GENERATION, String(index));
            },
            putLock: (key, lock) => put(LOCK + key, JSON.stringify(lock)),
            removeLock(key) {
              db.removeSync(LOCK + key);
              put(GENERATION, String(index));
            },
          });
        });
      });
    },
    async close() {
      if (!isOpen) return;
      isOpen = false;
      await db.close();
    },
  };
}

function refuseFullDisk(dir: string): void {
  const { blocks, bavail, bsize } = statfsSync(dir);
  // A filesystem without a size has no blocks, such as ramfs.
  if (blocks > 0 && bavail * bsize < MIN_FREE_BYTES)
    throw new Error(`a write needs 1 MiB of free space, and ${bavail * bsize} bytes are free`);
}

function toEntry(key: string, stored: string): Entry {
  return entryOf(key, stored.slice(stored.indexOf(' ') + 1), indexIn(stored));
}

/** A lock record that cannot be read is nobody's: its holder notices that it has lost the lock. */
function readLock(stored: string): LockRecord | undefined {
  try {
    return accept(lockRecord, parseJson(stored), 'lock');
  } catch {
    return undefined;
  }
}

const lockRecord: z.ZodType<LockRecord> = z.looseObject({ session: z.string(), name: z.string(), boot: z.string(), expiresMs: z.number() });

function indexIn(stored: string | undefined): number {
  return stored === undefined ? 0 : Number.parseInt(stored, 10);
}

function attempt<T>(dir: string, what: 'open' | 'write', work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof ArpanetError) throw cause;
    if (isDamage(cause)) throw damaged(dir, cause instanceof Error ? cause.message : '', cause);
    throw new ArpanetError('unavailable', `cannot ${what} the state store in ${dir}: is its disk full, or not writable?`, { cause });
  }
}

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'this boot';
  }
}
