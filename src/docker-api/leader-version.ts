/** Effects: a request to the leader: which API it speaks, for a follower's ping. */
import { createKeyed } from '../async/keyed.ts';

const WAIT_MS = 1_000;

/**
 * One request at a time to each leader, for all that wait for it: a connection for each client would be kept for minutes. Resolves with what is
 * known where the leader says nothing.
 */
export function createVersionOf(name: string): (leader: string, known: string) => Promise<string> {
  const asking = createKeyed();
  return (leader, known) =>
    asking.shared(leader, async () => {
      try {
        const answer = await fetch(`${leader}/_ping`, {
          method: 'HEAD',
          headers: { 'Arpanet-Forwarded': name },
          signal: AbortSignal.timeout(WAIT_MS),
        });
        return answer.headers.get('api-version') ?? known;
      } catch {
        return known;
      }
    });
}
