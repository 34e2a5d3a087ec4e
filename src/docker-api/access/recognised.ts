/**
 * Effects: who asks a follower for what it answers itself (`/_ping`, `/metrics`, `/ui`, health): the leader is asked, as for every other route. dockerd lets nobody
 * ping without a certificate either, and asks its authorization plugins about `/_ping`, too (moby api/server/middleware).
 */
import type { IncomingMessage } from 'node:http';
import { type ConnectionOptions, TLSSocket } from 'node:tls';
import { LRUCache } from 'lru-cache';
import { shortRequest } from '../../engine/index.ts';
import { ArpanetError } from '../../model/index.ts';
import { isNameless } from '../../security/index.ts';
import type { Doorkeeper } from './door.ts';

const WAIT_MS = 1_000;
/** Of so many certificates it is kept what the leader said last, for when nobody leads. */
const KEPT = 1_000;

interface RecognisedDeps {
  readonly name: string;
  readonly header: Doorkeeper['header'];
  readonly tls: () => ConnectionOptions | undefined;
}

/** What the leader is asked for instead: `/metrics` of who is limited to deployments is refused. */
export type OwnPage = '/_ping' | '/metrics';

/** Rejects with `unauthorized`, `forbidden`; `unavailable` where nobody can say and nobody has said before, but for a ping. */
export type Recognise = (req: IncomingMessage, requestId: string, leader: string | undefined, page: OwnPage) => Promise<void>;

export function createRecognise({ name, header, tls }: RecognisedDeps): Recognise {
  const said = new LRUCache<string, number>({ max: KEPT });

  async function ask(req: IncomingMessage, requestId: string, leader: string | undefined, page: OwnPage): Promise<number | undefined> {
    const who = await header(req, requestId, { method: 'HEAD', url: page }).catch(() => undefined);
    if (leader === undefined || who === undefined) return undefined;
    const headers = { ...who, 'Arpanet-Forwarded': name, 'Arpanet-Request-Id': requestId };
    const signal = AbortSignal.timeout(WAIT_MS);
    const answer = await shortRequest({ url: `${leader}${page}`, method: 'HEAD', headers, signal, tls: tls() }).catch(() => undefined);
    return answer === undefined || answer.status >= 500 ? undefined : answer.status;
  }

  return async (req, requestId, leader, page) => {
    if (!(req.socket instanceof TLSSocket)) return;
    // of a session nothing is kept: it is for the page alone
    if (isNameless(req.socket)) throw new ArpanetError('unauthorized', 'a client certificate is needed');
    const key = `${req.socket.getPeerCertificate().fingerprint256} ${page}`;
    const status = (await ask(req, requestId, leader, page)) ?? said.get(key);
    if (status !== undefined) said.set(key, status);
    if (status === 401) throw new ArpanetError('unauthorized', 'the cluster does not know this certificate, or does not any more');
    if (status === 403) throw new ArpanetError('forbidden', 'metrics are of all deployments');
    if (status === undefined && page !== '/_ping')
      throw new ArpanetError('unavailable', 'there is no leader that could say whose certificate this is: try again');
  };
}
