/** The metrics of a host's agent, for who may not ask the agent itself: with TLS its gateway answers schedulers alone. Effects: asks the gateway. */
import type { ConnectionOptions } from 'node:tls';
import { shortRequest } from '../../engine/index.ts';
import { ArpanetError, type HostView } from '../../model/index.ts';
import { hostServerName } from '../../security/index.ts';

/** Less than the 10 s that Prometheus waits by default. */
const TIMEOUT_MS = 5_000;

/** In Prometheus' text format 0.0.4. `dial`: for a gateway with TLS. Rejects with `not-found` for a host that there is not, and `unavailable` for one that does not answer. */
export async function hostMetrics(
  name: string,
  hosts: readonly HostView[],
  dial: (servername: string) => ConnectionOptions | undefined,
): Promise<string> {
  const host = hosts.find((one) => one.name === name);
  if (host === undefined) throw new ArpanetError('not-found', `no such host: ${name}`);
  const { gateway, hasTls } = host.record;
  const isTls = hasTls === true;
  const answer = await shortRequest({
    url: `http${isTls ? 's' : ''}://${gateway}/metrics`,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    tls: isTls ? dial(hostServerName(name)) : undefined,
  }).catch((cause: unknown) => {
    throw new ArpanetError('unavailable', `the agent of host ${name} does not answer at ${gateway}`, { cause });
  });
  if (answer.status !== 200)
    throw new ArpanetError('unavailable', `the agent of host ${name} refuses: ${answer.status} ${answer.text.trim()}`);
  return answer.text;
}
