/**
 * Reads that a follower answers itself, from its copy of the leader's view (docs/decisions/0012). Before each the leader is asked whether the copy has all
 * that clients were answered, and who asks. Effects: none of its own.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ReplicaView } from '../../contracts/index.ts';
import { isKind } from '../../model/index.ts';
import { type Client, noteClient, noteIdentity, refuseFetched, seesAll } from '../../security/index.ts';
import { counter } from '../../telemetry/metrics.ts';
import { splitVersion } from '../../text/api-version.ts';
import type { Leader } from '../leader.ts';
import type { ReadName } from '../route.ts';
import { matchRoute } from '../routes.ts';

export interface ReplicaReads {
  /** True: it is answered. False: nothing was written, and the leader is to be asked. Rejects with what is to be answered. */
  readonly answer: (req: IncomingMessage, res: ServerResponse, requestId: string) => Promise<boolean>;
}

export interface ReplicaReadsDeps {
  /** Undefined: there is none now. */
  readonly replica: () => ReplicaView | undefined;
  /** What answers from this view. */
  readonly reader: (view: ReplicaView) => Leader;
  /** Undefined: it came without a certificate. Rejects with `unauthorized`. */
  readonly client: (req: IncomingMessage) => Promise<Client | undefined>;
}

/** They need Engines, or show loads, which no copy has. */
const AT_LEADER: ReadonlySet<ReadName> = new Set(['info', 'diskUsage']);

const answered = counter({
  name: 'arpanet_follower_reads_total',
  help: "Reads of a scheduler that follows: answered from its copy of the leader's view, or passed on to the leader.",
  labels: ['by'],
});

export function createReplicaReads({ replica, reader, client }: ReplicaReadsDeps): ReplicaReads {
  /** With a view that has ended goes what answers from it: also where no read comes here again. */
  const readers = new WeakMap<ReplicaView, Leader>();

  function readerOf(view: ReplicaView): Leader {
    const leader = readers.get(view) ?? reader(view);
    readers.set(view, leader);
    return leader;
  }

  async function here(req: IncomingMessage, res: ServerResponse, requestId: string): Promise<boolean> {
    const view = replica();
    if (view === undefined) return false;
    const asking = await client(req);
    // what an Engine may fetch for somebody is for the leader to refuse, who knows whether there is somebody
    if (asking === undefined && refuseFetched(req.headers['user-agent'], req.url ?? '/', false) !== undefined) return false;
    const said = await view.now(asking);
    // a client that sees a part of the cluster, or no environments, is answered by the leader
    if (said === undefined || said.isRefused === true || (said.identity !== undefined && !seesAll(said.identity))) return false;
    if (asking !== undefined) noteClient(req, asking);
    if (said.identity !== undefined) noteIdentity(req, said.identity);
    const leader = readerOf(view);
    if (leader.answerReady(req, res, requestId)) return true;
    try {
      await leader.answer(req, res, requestId);
      return true;
    } catch (error) {
      if (isKind(error, 'not-leader', 'unavailable') && !res.headersSent && !res.destroyed) return false;
      throw error;
    }
  }

  return {
    async answer(req, res, requestId) {
      if (!isRead(req)) return false;
      let isHere = true;
      try {
        isHere = await here(req, res, requestId);
        return isHere;
      } finally {
        answered.inc({ by: isHere ? 'copy' : 'leader' });
      }
    },
  };
}

function isRead({ method, url = '/' }: IncomingMessage): boolean {
  if (method !== 'GET') return false;
  try {
    const found = matchRoute(method, splitVersion(url.split('?', 1)[0] ?? '/').path)?.route;
    return found?.do === 'read' && !AT_LEADER.has(found.by);
  } catch {
    return false;
  }
}
