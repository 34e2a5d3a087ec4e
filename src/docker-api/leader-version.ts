/** Effects: a request to the leader: which API it speaks, for a follower's ping. */
import type { ConnectionOptions } from 'node:tls';
import { createKeyed } from '../async/keyed.ts';
import { shortRequest } from '../engine/index.ts';

const WAIT_MS = 1_000;

/**
 * One request at a time to each leader, for all that wait for it: a connection for each client would be kept for minutes. Resolves with what is
 * known where the leader says nothing.
 */
export function createVersionOf(
  name: string,
  tls: () => ConnectionOptions | undefined,
): (leader: string, known: string) => Promise<string> {
  const asking = createKeyed();
  return (leader, known) =>
    asking.shared(leader, async () => {
      try {
        const headers = { 'Arpanet-Forwarded': name };
        const signal = AbortSignal.timeout(WAIT_MS);
        const answer = await shortRequest({ url: `${leader}/_ping`, method: 'HEAD', headers, signal, tls: tls() });
        const said = answer.headers['api-version'];
        return typeof said === 'string' ? said : known;
      } catch {
        return known;
      }
    });
}
