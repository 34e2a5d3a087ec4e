/** How many streams there are at once: of all clients, and of each. State: the counts. */
import type { IncomingMessage } from 'node:http';
import { ArpanetError } from '../../model/index.ts';
import { clientOf, isFromScheduler } from '../../security/index.ts';
import { FROM_HEADER } from '../connections.ts';
import { openStreams, refusals } from '../request-metrics.ts';
import { isLong, type Route } from '../route.ts';
import { asStream, holderOf } from './connections.ts';
import { clientAt, clientWith, type ClientLimits, createShares, LOCAL } from './shares.ts';

/** Resolves as `stream` does. Rejects with `exhausted` or `too-many`, and then nothing has begun. */
export type Carry = (req: IncomingMessage, route: Route, stream: () => Promise<void>) => Promise<void>;

/** `most`: of all clients. */
export function createStreams(most: number, limits: Pick<ClientLimits, 'streams'>): Carry {
  const shares = createShares(limits.streams);
  let open = 0;

  async function carried(client: string, stream: () => Promise<void>): Promise<void> {
    const leave = shares.take(client);
    if (leave === undefined) {
      refusals.inc({ why: 'streams' });
      const words = `${client === LOCAL ? 'clients on this machine have' : 'this client has'} ${shares.of(client)} streams already`;
      throw new ArpanetError('too-many', `${words} (attach, exec, logs, events, waits, uploads): end some, or raise --client-streams`);
    }
    await stream().finally(leave);
  }

  return async (req, route, stream) => {
    if (!isLong(route)) {
      if (route.do === 'builder') asStream(req.socket);
      return await (route.isUpload === true ? carried(askerOf(req), stream) : stream());
    }
    if (open >= most) {
      const message = `this scheduler carries ${open} streams already (attach, exec, logs, events, waits): end some, or raise --stream-limit`;
      throw new ArpanetError('exhausted', message);
    }
    await carried(askerOf(req), async () => {
      asStream(req.socket);
      open += 1;
      openStreams.add(1);
      await stream().finally(() => {
        open -= 1;
        openStreams.add(-1);
      });
    });
  };
}

/** Whose request it is, also where a follower passes it on. Without TLS between schedulers it is as the sender says: there everybody is root anyway. */
export function askerOf(req: IncomingMessage): string {
  const client = clientOf(req);
  if (client !== undefined) return clientWith(client.fingerprint);
  const isPassedOn = isFromScheduler(req) || req.headers['arpanet-forwarded'] !== undefined;
  const from = req.headers[FROM_HEADER.toLowerCase()];
  return isPassedOn && typeof from === 'string' ? clientAt(from) : (holderOf(req.socket) ?? clientAt(req.socket.remoteAddress));
}
