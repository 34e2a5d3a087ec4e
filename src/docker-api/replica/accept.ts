/** Only schedulers may have a copy of the view. Pure. */
import type { IncomingMessage } from 'node:http';
import { ArpanetError } from '../../model/index.ts';
import { isFromScheduler } from '../../security/index.ts';

/** Where a scheduler that follows asks the leader for it. */
export const REPLICA_PATH = '/arpanet/v1/replica';

/** Why a request for it is refused. A follower passes none on: to the leader it would be a scheduler's. Undefined: it is not. */
export function followerFault(req: IncomingMessage, isLeader: boolean, isTls: boolean): ArpanetError | undefined {
  if (!isLeader) return new ArpanetError('not-leader', 'this scheduler does not lead: it has no view to copy');
  const isPassedOn = req.headers['arpanet-forwarded'] !== undefined;
  // a client that reaches an address without TLS sees everything
  if (!isPassedOn && (!isTls || isFromScheduler(req))) return undefined;
  return new ArpanetError('forbidden', 'the view is copied to schedulers alone');
}
