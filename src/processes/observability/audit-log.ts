/** Effects: the audit log of a scheduler: a file or standard output, and the last lines in memory. No request waits for it. */
import { type FileHandle, open } from 'node:fs/promises';
import { write as writeTo } from 'node:fs';
import type { AuditLine } from '../../security/index.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';

/** `audit-log` shows so many. */
const RECENT = 1_000;
/** What waits for a file that cannot be written. What comes then is lost, and counted. */
const WAITING_BYTES = 1 << 20;
const AGAIN_MS = 1_000;
/** Lost lines are a problem for this long. */
const LOSS_IS_NEW_MS = 3_600_000;
const STDOUT = 1;

/** Disposal waits for what is being written. */
export interface AuditLog extends AsyncDisposable {
  readonly write: (line: AuditLine) => void;
  /** Oldest first. */
  readonly recent: () => readonly AuditLine[];
  readonly onLine: (listener: (line: AuditLine) => void, signal: AbortSignal) => void;
  /** Why lines are not written, or were lost; undefined: they are written. */
  readonly trouble: () => string | undefined;
}

/** How many bytes could be appended, and why not all. */
interface Appended {
  readonly written: number;
  readonly error?: unknown;
}

/** `target`: a file, or `-` for standard output; undefined: the last lines are kept in memory alone. */
export function openAuditLog(target: string | undefined, log: Logger, now: () => number): AuditLog {
  const listeners = new Set<(line: AuditLine) => void>();
  const recent: AuditLine[] = [];
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let lost = 0;
  let lostAtMs = 0;
  let why: string | undefined;
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function writeAll(file: string): Promise<void> {
    do {
      const bytes = Buffer.concat(waiting);
      waiting = [];
      const { written, error } = await append(file, bytes);
      if (written < bytes.length) waiting.unshift(bytes.subarray(written));
      waitingBytes -= written;
      if (error === undefined) why = undefined;
      else return failed(error);
    } while (waiting.length > 0);
  }

  function failed(error: unknown): void {
    if (why === undefined) log.warn({ err: error, file: target }, 'the audit log cannot be written');
    why = error instanceof Error ? error.message : String(error);
    timer = setTimeout(() => {
      timer = undefined;
      soon();
    }, AGAIN_MS);
    timer.unref();
  }

  function soon(): void {
    if (target === undefined || writing !== undefined || timer !== undefined) return;
    writing = writeAll(target).finally(() => {
      writing = undefined;
      if (waiting.length > 0) soon();
    });
    inBackground(log, 'the audit log', writing);
  }

  // whether it can be written is known before the first call
  soon();
  return {
    write(line) {
      recent.push(line);
      if (recent.length > RECENT) recent.shift();
      for (const listener of listeners) listener(line);
      if (target === undefined) return;
      const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
      if (waitingBytes + bytes.length > WAITING_BYTES) {
        lost += 1;
        lostAtMs = now();
        return;
      }
      waiting.push(bytes);
      waitingBytes += bytes.length;
      soon();
    },
    recent: () => recent,
    onLine(listener, signal) {
      listeners.add(listener);
      signal.addEventListener('abort', () => listeners.delete(listener), { once: true });
    },
    trouble() {
      const isNew = lost > 0 && now() - lostAtMs < LOSS_IS_NEW_MS;
      if (why === undefined && !isNew) return undefined;
      const where = `the audit log (--audit-log ${target ?? ''})`;
      const missing = isNew ? `, and lines are missing: ${lost}` : '';
      return why === undefined ? `${where} was not written for a while${missing}` : `${where} cannot be written: ${why}${missing}`;
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      await writing;
    },
  };
}

/** A file is opened each time: what was moved away is made again, as logrotate expects. */
async function append(target: string, bytes: Buffer): Promise<Appended> {
  let written = 0;
  let file: FileHandle | undefined;
  try {
    file = target === '-' ? undefined : await open(target, 'a', 0o600);
    while (written < bytes.length) written += await part(file, bytes.subarray(written));
    return { written };
  } catch (error) {
    return { written, error };
  } finally {
    await file?.close().catch(() => undefined);
  }
}

async function part(file: FileHandle | undefined, bytes: Buffer): Promise<number> {
  if (file !== undefined) return (await file.write(bytes)).bytesWritten;
  return await new Promise((resolve, reject) => {
    writeTo(STDOUT, bytes, (error, written) => (error === null ? resolve(written) : reject(error)));
  });
}
