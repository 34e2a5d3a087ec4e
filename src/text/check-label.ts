/** How a host's agent checks a container, as its label `arpanet.check` has it: `http:80/healthz interval=5s`, `tcp:5432`. Pure. Source of the times' meaning: moby daemon/health.go. */
import { parseDurationMs } from './duration.ts';

/** What is asked of a container, and how patiently. */
export interface CheckSpec {
  /** http: a GET that is answered with a status from 200 to 399. tcp: a connection that is accepted. */
  readonly kind: 'http' | 'tcp';
  /** Of the container. */
  readonly port: number;
  /** Of a GET; `/` unless it is given. */
  readonly path: string;
  /** In ms: from the end of one check to the next; for how long one may take; since the start, how long failures do not count. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly startPeriodMs: number;
  /** So many failures in a row make it unhealthy. */
  readonly retries: number;
}

const MAX_PORT = 65_535;
const [SHORTEST_MS, LONGEST_MS] = [500, 3_600_000];
const MOST_RETRIES = 100;
const PATTERN = /^(http|tcp):(\d{1,5})(\/[!-~]*)?((?:\s+[a-z-]+=[\w.]+)*)$/;

/** What such a label must be like, as the end of a sentence. */
export const CHECK_FORM =
  'it must be like "http:80/healthz interval=5s" or "tcp:5432 timeout=1s retries=3 start-period=30s", with times from 500ms to 1h';

/** Undefined for a text of another form, an unknown word, or a number that is out of bounds. */
export function parseCheck(text: string): CheckSpec | undefined {
  const [, kind, port = '', path, rest = ''] = PATTERN.exec(text.trim()) ?? [];
  if ((kind !== 'http' && kind !== 'tcp') || (kind === 'tcp' && path !== undefined)) return undefined;
  const words = new Map(
    rest
      .trim()
      .split(/\s+/)
      .filter((word) => word !== '')
      .map((word) => word.split('=') as [string, string]),
  );
  const time = (name: string, otherwise: number, least: number): number => {
    const given = words.get(name);
    words.delete(name);
    const ms = given === undefined ? otherwise : (parseDurationMs(given) ?? Number.NaN);
    return ms >= least && ms <= LONGEST_MS ? Math.round(ms) : Number.NaN;
  };
  const intervalMs = time('interval', 10_000, SHORTEST_MS);
  const timeoutMs = time('timeout', 3_000, SHORTEST_MS);
  const startPeriodMs = time('start-period', 0, 0);
  const retries = Number(words.get('retries') ?? 3);
  words.delete('retries');
  const isPort = Number(port) >= 1 && Number(port) <= MAX_PORT;
  const isCount = Number.isInteger(retries) && retries >= 1 && retries <= MOST_RETRIES;
  const isRead = isPort && isCount && words.size === 0 && [intervalMs, timeoutMs, startPeriodMs].every(Number.isFinite);
  return isRead ? { kind, port: Number(port), path: path ?? '/', intervalMs, timeoutMs, startPeriodMs, retries } : undefined;
}
