/**
 * How a host that comes back tells what its Engine has: its digest first; what differs from what is held here follows in pieces. What comes of it is
 * handed on as one snapshot. Effects: messages to agents.
 */
import { factsDigest, listDigest, snapshotDigest } from '../../engine/index.ts';
import type { ContainerFacts, EngineSnapshot } from '../../model/index.ts';
import type { ViewReader } from '../view/roles.ts';
import type { AgentReport } from './agent-report.ts';
import type { Hub } from './hub.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';

type Comparing = Extract<AgentReport, { type: 'have' | 'piece' | 'rest' }>;
/** What is left of a report when comparing is done. */
export type Fact = Exclude<AgentReport, Comparing>;

export interface Resumes {
  /** Undefined: there is nothing to apply yet. */
  readonly read: (host: string, message: AgentReport) => Fact | undefined;
  /** Its stream ended. */
  readonly left: (host: string) => void;
}

export interface ResumesParts {
  readonly hub: Pick<Hub, 'send'>;
  readonly view: Pick<ViewReader, 'host' | 'containersOn' | 'networksOn' | 'byId'>;
  readonly log: Logger;
}

export function createResumes({ hub, view, log }: ResumesParts): Resumes {
  /** By host and id: what came in pieces, and has not changed since. */
  const pieces = new Map<string, Map<string, ContainerFacts>>();

  function held(host: string): EngineSnapshot {
    const { images = [], volumes = [] } = view.host(host) ?? {};
    return { containers: view.containersOn(host).map(({ facts }) => facts), images, volumes, networks: view.networksOn(host) };
  }

  function compare(host: string, digest: string): Fact | undefined {
    const snapshot = held(host);
    const isSame = snapshotDigest(snapshot) === digest;
    const { containers, images, volumes } = snapshot;
    const digests = Object.fromEntries(containers.map((facts) => [facts.summary.Id, factsDigest(facts)]));
    const differs = { containers: digests, images: listDigest(images), volumes: listDigest(volumes) };
    inBackground(log, 'what is held of a host', hub.send(host, { type: 'held', ...(isSame ? { isSame } : differs) }));
    return isSame ? { type: 'snapshot', snapshot } : undefined;
  }

  function complete(host: string, message: Extract<Comparing, { type: 'rest' }>): Fact {
    const sent = pieces.get(host);
    pieces.delete(host);
    const { images = [], volumes = [] } = view.host(host) ?? {};
    const factsOf = (id: string): ContainerFacts | undefined => sent?.get(id) ?? ownFacts(host, id);
    return {
      type: 'snapshot',
      snapshot: {
        containers: message.containers.flatMap((id) => factsOf(id) ?? []),
        images: message.images ?? images,
        volumes: message.volumes ?? volumes,
        networks: message.networks,
      },
    };
  }

  function ownFacts(host: string, id: string): ContainerFacts | undefined {
    const container = view.byId(id);
    return container?.host === host ? container.facts : undefined;
  }

  return {
    read(host, message) {
      switch (message.type) {
        case 'have':
          pieces.delete(host);
          return compare(host, message.digest);
        case 'piece': {
          const sent = pieces.get(host) ?? new Map<string, ContainerFacts>();
          pieces.set(host, sent);
          for (const facts of message.containers) sent.set(facts.summary.Id, facts);
          return undefined;
        }
        case 'rest':
          return complete(host, message);
        case 'containers': {
          // It is newer than its piece, and is in the view from now on.
          const sent = pieces.get(host);
          for (const { summary } of message.upserts) sent?.delete(summary.Id);
          for (const id of message.removes) sent?.delete(id);
          return message;
        }
        default:
          return message;
      }
    },
    left(host) {
      pieces.delete(host);
    },
  };
}
