/**
 * Join tokens that end by themselves: after a time, and, of a single use, with the host that has joined. The store has their digests alone, so that every leader knows them and nobody can read
 * one there. Effects: the ledger, chance.
 */
import { createHash, randomBytes } from 'node:crypto';
import { ArpanetError, keys, type PassRecord } from '../../model/index.ts';
import type { Change, Ledger } from '../../store/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import { HOST_NAME_FORM, isHostName } from '../../text/names.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DEFAULT_TTL_MS = DAY_MS;
const LONGEST_TTL_MS = 365 * DAY_MS;
/** One that is over is refused by its own words for so long; then it is as one that never was. */
const REMEMBERED_MS = 30 * DAY_MS;

export const newJoinSecret = (): string => randomBytes(24).toString('base64url');

/** A join token that is asked for. */
export interface PassRequest {
  readonly isSingleUse: boolean;
  /** A day if absent. */
  readonly ttlMs?: number;
  /** It joins the host of this name alone. */
  readonly host?: string;
}

/** Makes one, and returns its secret. What is over since long is forgotten. Throws `invalid` for a time or a name that is none. */
export async function issuePass(
  ledger: Pick<Ledger, 'list' | 'commit'>,
  { isSingleUse, ttlMs = DEFAULT_TTL_MS, host }: PassRequest,
  nowMs: number,
  log: Logger,
): Promise<{ readonly secret: string; readonly untilMs: number }> {
  if (!(ttlMs > 0 && ttlMs <= LONGEST_TTL_MS))
    throw new ArpanetError('invalid', `--ttl of a join token is more than 0, and at most ${LONGEST_TTL_MS / DAY_MS} days`);
  if (host !== undefined && !isHostName(host))
    throw new ArpanetError('invalid', `"${host}" cannot be the name of a host: ${HOST_NAME_FORM}`);
  const secret = newJoinSecret();
  const record: PassRecord = {
    digest: digestOf(secret),
    untilMs: Math.floor(nowMs + ttlMs),
    isSingleUse,
    ...(host !== undefined && { host }),
  };
  const over = ledger
    .list<PassRecord>(keys.passes)
    .flatMap(([key, { untilMs }]): readonly Change[] => (untilMs + REMEMBERED_MS < nowMs ? [{ kind: 'delete', key }] : []));
  // the rest is forgotten with the next ones
  await ledger.commit([{ kind: 'put', key: keys.pass(record.digest), value: record }, ...over.slice(0, 32)]);
  log.info({ until: timeOf(record.untilMs), isSingleUse, host }, 'a join token with an end was made');
  return { secret, untilMs: record.untilMs };
}

/** One that is needed no more joins nobody from now on, and nothing of it is kept. */
export async function withdrawPass(ledger: Pick<Ledger, 'get' | 'commit'>, secret: string): Promise<void> {
  const key = keys.pass(digestOf(secret));
  if (ledger.get(key) !== undefined) await ledger.commit([{ kind: 'delete', key }]);
}

/**
 * Whether a secret joins this host now; undefined: it is none of these tokens. `key` is the host's public key in PEM form: who has joined by a token of a single use and never got the answer asks
 * again with the same. Throws `unauthorized` for one that is over or was used, and `forbidden` for one of another host.
 */
export function passFor(
  ledger: Pick<Ledger, 'get'>,
  secret: string,
  { host, key }: { readonly host: string; readonly key: string | undefined },
  nowMs: number,
): PassRecord | undefined {
  const pass = ledger.get<PassRecord>(keys.pass(digestOf(secret)));
  if (pass === undefined) return undefined;
  const another = `"arpanet hosts add ${host} --single-use" prints another`;
  const { used } = pass;
  const isAgain = used !== undefined && used.host === host && (key === undefined || used.key === digestOf(key));
  if (used !== undefined && !isAgain)
    throw new ArpanetError(
      'unauthorized',
      `this join token was for a single use, and host ${used.host} used it at ${timeOf(used.atMs)}: ${another}`,
    );
  if (used === undefined && pass.untilMs < nowMs)
    throw new ArpanetError('unauthorized', `this join token was valid until ${timeOf(pass.untilMs)}: ${another}`);
  if (pass.host !== undefined && pass.host !== host)
    throw new ArpanetError('forbidden', `this join token is for host ${pass.host}, and not for ${host}: ${another}`);
  return pass;
}

/** What is written together with the host's certificate: a single use is over then. */
export function useOf(pass: PassRecord, { host, key }: { readonly host: string; readonly key: string }, nowMs: number): readonly Change[] {
  if (!pass.isSingleUse || pass.used !== undefined) return [];
  const used = { host, atMs: nowMs, key: digestOf(key) };
  return [{ kind: 'put', key: keys.pass(pass.digest), value: { ...pass, used } }];
}

/** With a rotation all that are not used yet are over: who has read one joins nothing by it. */
export const withoutPasses = (ledger: Pick<Ledger, 'list'>): readonly Change[] =>
  ledger.list<PassRecord>(keys.passes).flatMap(([key, { used }]) => (used === undefined ? [{ kind: 'delete' as const, key }] : []));

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const timeOf = (ms: number): string => new Date(ms).toISOString();
