/** Times on the command line, as docker's --since and --until take them. Pure. */
import { ArpanetError } from '../model/errors.ts';
import { parseLongDurationMs } from '../text/duration.ts';

/** `90d` or `12h`, in milliseconds. Throws `invalid` naming --ttl. */
export function ttlOf(ttl: string | undefined): { readonly ttlMs?: number } {
  if (ttl === undefined) return {};
  const ttlMs = parseLongDurationMs(ttl);
  if (ttlMs === undefined || ttl === '') throw new ArpanetError('invalid', `--ttl ${ttl} is no time: write 90d or 12h`);
  return { ttlMs };
}

/** `10m` (ago), a Unix time or an RFC 3339 time, as seconds since 1970. Throws `invalid` naming the flag. */
export function secondsOf(flag: string, text: string, nowMs: number): string {
  const isEpoch = /^\d{9,}(\.\d+)?$/.test(text);
  const agoMs = isEpoch ? undefined : parseLongDurationMs(/^\d+$/.test(text) ? `${text}s` : text);
  if (agoMs !== undefined) return String((nowMs - agoMs) / 1_000);
  const ms = isEpoch ? Number(text) * 1_000 : Date.parse(text);
  if (Number.isNaN(ms))
    throw new ArpanetError('invalid', `${flag} is "${text}": write how long ago (10m), or a time (2026-11-20T14:00:00Z)`);
  return String(ms / 1_000);
}
