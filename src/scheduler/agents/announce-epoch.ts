/**
 * A new leader shows itself to every host it knows: an agent that sees the higher epoch leaves the old leader's stream, which it would otherwise
 * keep for as long as that one, cut off from the store, does not know that it leads no more. Effects: connections to agents' gateways.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openTunnel, splitHostPort } from '../../engine/index.ts';
import { type HostView, isKind } from '../../model/index.ts';
import type { HostCertificates } from '../deps.ts';
import type { Logger } from '../../telemetry/log.ts';

export interface AnnounceDeps {
  readonly token: string;
  readonly epoch: number;
  readonly certificates: Pick<HostCertificates, 'dial'>;
  readonly url: string | undefined;
  readonly log: Logger;
  readonly hosts: () => readonly HostView[];
}

const TIMEOUT_MS = 2_000;
const AGAIN_MS = 1_000;
/** A host that stays away is asked ever more rarely. */
const RAREST_MS = 10_000;

/** Until each host has been reached or has joined, or the leadership is over. */
export async function announceEpoch({ token, epoch, certificates, url, log, hosts }: AnnounceDeps, lost: AbortSignal): Promise<void> {
  const reached = new Set<string>();
  const isLeft = (host: HostView): boolean => host.facts === undefined && !reached.has(host.name);
  let waitMs = AGAIN_MS;
  for (let left = hosts().filter(isLeft); left.length > 0 && !lost.aborted; left = hosts().filter(isLeft)) {
    await Promise.all(
      left.map(async ({ name, record }) => {
        try {
          const tls = record.hasTls === true ? certificates.dial(name) : undefined;
          const how = { token, epoch, tls, leader: url, signal: lost, timeoutMs: TIMEOUT_MS };
          (await openTunnel({ ...splitHostPort(record.gateway), ...how })).destroy();
          reached.add(name);
        } catch (error) {
          if (lost.aborted) return;
          if (isKind(error, 'not-leader', 'unauthorized')) reached.add(name);
          log.debug({ host: name, err: error }, 'could not announce the new leader to a host yet');
        }
      }),
    );
    await sleep(waitMs, undefined, { signal: lost }).catch(() => undefined);
    waitMs = Math.min(waitMs * 1.2, RAREST_MS);
  }
}
