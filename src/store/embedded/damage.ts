/**
 * Effects: reads a whole LMDB database in a process of its own, because reading a damaged one can end the process that does (SIGBUS for a truncated
 * file, SIGSEGV for a damaged page).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ArpanetError } from '../../model/index.ts';

const CHECK_TIMEOUT_MS = 30_000;
const MAX_OUTPUT = 2_000;
/** Directories that were found sound by this process. */
const sound = new Set<string>();

/** Of lmdb.h: MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID, MDB_PANIC, MDB_VERSION_MISMATCH. */
const DAMAGE_CODES: readonly unknown[] = [-30_796, -30_797, -30_793, -30_795, -30_794];

/** True for an LMDB error that says that the database is damaged. */
export function isDamage(error: unknown): boolean {
  return error instanceof Error && 'code' in error && DAMAGE_CODES.includes(error.code);
}

/** What to say of a damaged database, and how to repair it. */
export function damaged(dir: string, what: string, cause?: unknown): ArpanetError {
  return new ArpanetError(
    'unavailable',
    `the state store ${join(dir, 'data.mdb')} is damaged (${what}), and with it the cluster's records are lost; containers go on running. Move ${dir} away, then run ` +
      `"arpanet restore BACKUP --store embedded:${dir}", or without a backup "arpanet recover AGENT:2376 --store embedded:${dir}"`,
    { cause },
  );
}

/** Throws `unavailable` if the database in `dir` cannot be read to its end. One that does not exist yet is sound. */
export async function refuseDamaged(dir: string): Promise<void> {
  if (sound.has(dir)) return;
  const bytes = sizeOf(join(dir, 'data.mdb'));
  if (bytes === 0) throw damaged(dir, 'its file data.mdb is empty');
  if (bytes !== undefined) await readWhole(dir);
  sound.add(dir);
}

/** Undefined if there is none; whether it can be made is for the one who opens it to find out. */
function sizeOf(file: string): number | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false })?.size;
  } catch {
    return undefined;
  }
}

/** From this file; in the build from a file below dist/chunks. */
const READ_WHOLE = import.meta.url.endsWith('.ts') ? 'read-whole.ts' : '../store/embedded/read-whole.js';

async function readWhole(dir: string): Promise<void> {
  const program = fileURLToPath(new URL(READ_WHOLE, import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv.filter((flag) => !flag.startsWith('--test')), program, dir], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: CHECK_TIMEOUT_MS,
    env: {},
  });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-MAX_OUTPUT)));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  // a busy machine is no damage
  if (code === 0 || signal === 'SIGTERM') return;
  throw damaged(dir, signal === null ? (output.trim().split('\n').at(-1) ?? 'it cannot be read') : `reading it ends with ${signal}`);
}
