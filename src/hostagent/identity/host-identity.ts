/**
 * A host's certificate. Its key is made here and leaves this machine never; the scheduler that gets the join token signs for it, after its CA was found to be the one that the token names. At
 * two thirds of its life another is asked for with it. Effects: a file of the data folder, HTTPS requests, chance.
 */
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { handshakeFault, messageIn } from '../../engine/upgrade.ts';
import { writeDurably } from '../../files/durable-file.ts';
import { ArpanetError, type ErrorKind } from '../../model/errors.ts';
import { accept, agentFiles, joinAnswer, parseJson } from '../../schemas/index.ts';
import {
  certificatesIn,
  type Credentials,
  dialOptions,
  fingerprintOf,
  hostServerName,
  identityIn,
  JOIN_NAME,
  newKeyPair,
  readJoinToken,
  renewAtMs,
  SCHEDULER_NAME,
  signedBy,
  validityFault,
} from '../../security/index.ts';
import type { Logger } from '../../telemetry/log.ts';

export interface HostIdentityOptions {
  readonly dataDir: string;
  readonly name: string;
  /** As the operator gave it. */
  readonly token: string;
  readonly now: () => number;
  readonly log: Logger;
}

export interface HostIdentity {
  readonly current: () => Credentials | undefined;
  /** Called at each other one, and at once if there is one. */
  readonly onChange: (take: (credentials: Credentials) => void) => void;
  /** For a connection to the scheduler at this URL; joins there first if this host has no certificate, and renews one that is due. Throws `unauthorized`, `forbidden`, `invalid`, `unavailable`. */
  readonly toScheduler: (url: string, signal: AbortSignal) => Promise<ConnectionOptions>;
  /** Asks for another certificate where two thirds of the life of this one are over. Never throws. */
  readonly renewDue: (signal: AbortSignal) => Promise<void>;
  /** For a connection to another host's gateway. Throws `unavailable` without a certificate. */
  readonly toHost: (host: string) => ConnectionOptions;
  /** Certificates of other hosts that count no more, by their serial numbers: all of them, each time. */
  readonly revoked: (serials: readonly string[]) => void;
  readonly isRevoked: (serial: string) => boolean;
  /** The cluster's CAs from now on, in PEM form. Where the first has not signed this host's certificate, another is asked for. Throws `invalid`, and what a file system throws. */
  readonly trust: (bundle: string) => Promise<void>;
  /** A scheduler does not take this certificate any more: the next time this host joins by its token. */
  readonly forget: () => void;
}

const TIMEOUT_MS = 10_000;

export function createHostIdentity({ dataDir, name, token, now, log }: HostIdentityOptions): HostIdentity {
  const file = join(dataDir, 'identity.json');
  const takers = new Set<(credentials: Credentials) => void>();
  const { secret, fingerprint } = readJoinToken(token);
  let current = readIdentity(file, name, log);
  let isRefused = false;
  let asked: ReturnType<typeof newKeyPair> | undefined;
  let revoked: ReadonlySet<string> = new Set();
  const isRevoked = (serial: string): boolean => revoked.has(serial);
  let lastUrl: string | undefined;

  async function toScheduler(url: string, signal: AbortSignal): Promise<ConnectionOptions> {
    if (current === undefined || isRefused) await enter(url, signal);
    else if (now() >= dueMs(current)) {
      // with one that goes on a while longer nothing is lost by a scheduler that cannot renew it now
      const isOver = leafFault(current, now()) !== undefined;
      await renew(url, current, signal).catch((error: unknown) => {
        if (isOver) throw error;
        log.warn({ err: error }, 'the certificate of this host could not be renewed yet');
      });
    }
    if (current === undefined) throw new ArpanetError('unavailable', 'this host has no certificate');
    return dialOptions(current, SCHEDULER_NAME);
  }

  async function enter(url: string, signal: AbortSignal): Promise<void> {
    if (fingerprint === undefined)
      throw new ArpanetError(
        'unauthorized',
        `to join ${url} by TLS the token must name the cluster's CA, as what "arpanet token" prints on a scheduler with TLS does (ARPTKN-1-…)`,
      );
    const unproven = { servername: JOIN_NAME, rejectUnauthorized: false };
    const { bundle } = await ask(url, '/arpanet/v1/ca', undefined, unproven, signal);
    const ca = certificatesIn(bundle).find((one) => fingerprintOf(one) === fingerprint);
    if (ca === undefined)
      throw new ArpanetError(
        'unauthorized',
        `the scheduler at ${url} has another CA than the join token names: it is another cluster's, its CA was rotated since, or somebody is in between`,
      );
    await obtain(url, { ca: ca.toString(), servername: SCHEDULER_NAME }, secret, signal);
    log.info({ scheduler: url }, 'this host has joined with the token, and has a certificate of its own');
  }

  async function renew(url: string, credentials: Credentials, signal: AbortSignal): Promise<void> {
    await obtain(url, dialOptions(credentials, SCHEDULER_NAME), undefined, signal);
    log.info({ scheduler: url }, 'the certificate of this host was renewed');
  }

  /** A new key each time; but while no answer has come, the same: a token of a single use is used by it. */
  async function obtain(url: string, tls: ConnectionOptions, shown: string | undefined, signal: AbortSignal): Promise<void> {
    asked ??= newKeyPair();
    const { publicKey, privateKey } = asked;
    const body = { name, publicKey, clockMs: now(), ...(shown === undefined ? {} : { token: shown }) };
    const { certificate, bundle } = await ask(url, '/arpanet/v1/join', body, tls, signal);
    if (certificate === undefined) throw new ArpanetError('unavailable', `the scheduler at ${url} sent no certificate`);
    const next: Credentials = { certificate, privateKey, bundle };
    const fault = leafFault(next, now());
    if (fault !== undefined) throw new ArpanetError('invalid', fault);
    await take(next);
    asked = undefined;
    isRefused = false;
  }

  async function take(next: Credentials): Promise<void> {
    await writeDurably(file, `${JSON.stringify({ host: name, ...next })}\n`);
    current = next;
    for (const taker of takers) taker(next);
  }

  return {
    current: () => current,
    onChange(taker) {
      takers.add(taker);
      if (current !== undefined) taker(current);
    },
    async toScheduler(url, signal) {
      lastUrl = url;
      return await toScheduler(url, signal);
    },
    async renewDue(signal) {
      if (lastUrl !== undefined && current !== undefined && now() >= dueMs(current))
        await renew(lastUrl, current, signal).catch((err: unknown) =>
          log.warn({ err }, 'the certificate of this host could not be renewed yet'),
        );
    },
    toHost(host) {
      if (current === undefined) throw new ArpanetError('unavailable', 'this host has no certificate yet');
      return dialOptions(current, hostServerName(host), isRevoked);
    },
    revoked(serials) {
      revoked = new Set(serials);
    },
    isRevoked,
    async trust(bundle) {
      certificatesIn(bundle);
      if (current === undefined || current.bundle === bundle) return;
      await take({ ...current, bundle });
      log.info('the CAs of the cluster have changed');
    },
    forget: () => {
      isRefused = true;
    },
  };
}

const leafOf = ({ certificate }: Credentials) => certificatesIn(certificate)[0];

/** Why the certificate is of no use now; undefined: it is valid. */
function leafFault(credentials: Credentials, nowMs: number): string | undefined {
  const leaf = leafOf(credentials);
  const identity = leaf && identityIn(leaf);
  return identity === undefined ? "the scheduler's answer is no certificate of a host" : validityFault(identity, nowMs);
}

/** At once where another CA signs now. */
function dueMs(credentials: Credentials): number {
  const leaf = leafOf(credentials);
  const identity = leaf && identityIn(leaf);
  if (leaf === undefined || identity === undefined) return 0;
  return signedBy(leaf, certificatesIn(credentials.bundle).slice(0, 1)) ? renewAtMs(identity) : 0;
}

/** Undefined: there is none, or none that is of use; a host then joins by its token. */
function readIdentity(file: string, name: string, log: Logger): Credentials | undefined {
  try {
    const { host, certificate, privateKey, bundle } = accept(agentFiles.identity, parseJson(readFileSync(file, 'utf8')), file);
    const credentials = { certificate, privateKey, bundle };
    createSecureContext({ cert: certificate, key: privateKey, ca: bundle });
    certificatesIn(bundle);
    const leaf = leafOf(credentials);
    if (host === name && leaf !== undefined && identityIn(leaf)?.name === name) return credentials;
    log.warn({ file, host }, 'the certificate in this file is of another host: this one joins by its token');
  } catch (err) {
    const isThere = !(err instanceof Error && 'code' in err && err.code === 'ENOENT');
    if (isThere) log.error({ file, err }, 'cannot read the certificate of this host: it joins by its token');
  }
  return undefined;
}

const KINDS: Readonly<Record<number, ErrorKind>> = { 400: 'invalid', 401: 'unauthorized', 403: 'forbidden' };

interface Answer {
  readonly certificate?: string | undefined;
  readonly bundle: string;
}

function ask(url: string, path: string, body: object | undefined, tls: ConnectionOptions, signal: AbortSignal): Promise<Answer> {
  const what = `scheduler ${url}`;
  const json = body === undefined ? '' : JSON.stringify(body);
  const headers = body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(json) };
  const method = body === undefined ? 'GET' : 'POST';
  const within = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  return new Promise((resolve, reject) => {
    const call = https.request(new URL(path, url), { ...tls, minVersion: 'TLSv1.3', method, headers, agent: false, signal: within });
    call.once('response', (answer) => {
      text(answer)
        .then((said) => {
          const { statusCode = 0 } = answer;
          if (statusCode !== 200)
            throw new ArpanetError(KINDS[statusCode] ?? 'unavailable', `${what}: ${messageIn(said) ?? `answered ${statusCode}`}`);
          resolve(accept(joinAnswer, parseJson(said), `the answer of ${what}`));
        })
        .catch(reject);
    });
    call.once('error', (cause) => {
      const why = handshakeFault(cause);
      reject(new ArpanetError('unavailable', `cannot reach ${what}${why === undefined ? '' : `: ${why}`}`, { cause }));
    });
    call.end(json);
  });
}
