/** When to dial again, and when a connection counts as dead. Pure. */

/** Milliseconds to wait before dialling again: 100 ms doubling to 1 s, 5 s after a refusal; a quarter of it by chance (`random` from 0 to 1). */
export function backoffMs(failures: number, isRefusal: boolean, random: number): number {
  const base = isRefusal ? 5_000 : Math.min(1_000, 100 * 2 ** Math.min(failures, 10));
  return base * (0.75 + 0.25 * random);
}

export interface Vitals {
  readonly nowMs: number;
  /** When something last came; undefined until the leader has answered a beat, because an old leader never answers one. */
  readonly heardAtMs: number | undefined;
  /** When everything sent had last left this process. */
  readonly flushedAtMs: number;
  readonly backlogBytes: number;
}

const SILENCE_MS = 10_000;
const MAX_BACKLOG_BYTES = 64 * 1024 * 1024;

/** Why this connection must be closed; undefined if it works. */
export function connectionFault(vitals: Vitals): string | undefined {
  const { nowMs, heardAtMs, flushedAtMs, backlogBytes } = vitals;
  if (heardAtMs !== undefined && nowMs - heardAtMs > SILENCE_MS) return 'the leader does not answer';
  if (nowMs - flushedAtMs > SILENCE_MS) return 'the leader does not read';
  if (backlogBytes > MAX_BACKLOG_BYTES) return 'the leader reads too slowly';
  return undefined;
}
