/**
 * Effects: the net under the whole process: what no handler has caught is logged with its stack and counted. The process goes on, unless it
 * cannot vouch for its state any more.
 */
import { ArpanetError } from '../model/errors.ts';
import { reportFault } from '../telemetry/faults.ts';
import type { Logger } from '../telemetry/log.ts';

/** Errors that escape within this time, and how many of them end the process: it does nothing else any more. */
const BURST_MS = 10_000;
const BURST = 20;

/**
 * Why the process must end after this error; undefined: it may go on. A programming error inside src/store may leave memory and store in
 * disagreement, and the same code decides what is written next. Everything else is rebuilt from the Engines and the store.
 */
export function fatalReason(error: unknown, recentMs: readonly number[], nowMs: number): string | undefined {
  const origin = error instanceof Error ? /^ {4}at .*$/m.exec(error.stack ?? '')?.[0] : undefined;
  if (!(error instanceof ArpanetError) && /[\\/](?:src|dist)[\\/]store[\\/]/.test(origin ?? '')) return 'it came from the state store';
  if (recentMs.filter((atMs) => nowMs - atMs < BURST_MS).length >= BURST) return `${BURST} errors within ${BURST_MS / 1000} s`;
  return undefined;
}

/** For as long as the process runs. `end` is called with an exit code (70, EX_SOFTWARE of sysexits.h). */
export function catchFaults(log: Logger, end: (code: number) => void): void {
  let recentMs: number[] = [];
  const onFault = (place: string) => (error: unknown) => {
    const nowMs = performance.now();
    recentMs = [...recentMs, nowMs].slice(-BURST);
    const reason = fatalReason(error, recentMs, nowMs);
    if (reason === undefined) return reportFault(log, place, error);
    log.fatal({ err: error, place }, `unexpected error, and this process cannot go on: ${reason}`);
    return end(70);
  };
  process.on('uncaughtException', onFault('an uncaught exception'));
  process.on('unhandledRejection', onFault('an unhandled rejection'));
}
