/**
 * How a host that comes back tells what its Engine has: its digest first; what differs from what is held here follows in pieces. What comes of it is
 * handed on as one snapshot. Effects: messages to agents.
 */
import { factsDigest, listDigest, snapshotDigest } from '../../engine/index.ts';
import type { ReplicaSeeds } from '../../contracts/index.ts';
import { ArpanetError, type ContainerFacts, type EngineSnapshot } from '../../model/index.ts';
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
  readonly read: (host: string, message: AgentReport, bytes: number) => Fact | undefined;
  /** Its stream ended. */
  readonly left: (host: string) => void;
}

export interface ResumesParts {
  readonly hub: Pick<Hub, 'send'>;
  readonly view: Pick<ViewReader, 'host' | 'containersOn' | 'networksOn' | 'byId'>;
  /** What is held of hosts from before this term; absent: nothing. */
  readonly seeds?: ReplicaSeeds | undefined;
  readonly log: Logger;
}

/** Of one host: a kernel's bridge takes 1,024 of them. What is more is no Engine's, and would take the leader's memory. */
export const MOST_CONTAINERS = 20_000;

/** Of what one host sends in pieces until the last of them, on the wire: 3,000 containers with 50 KB each, and as much again. */
export const MOST_BYTES = 320 * 1024 * 1024;

/** What is compared with: as it was when this host came, but for what has changed since. */
interface Held {
  readonly containers: Map<string, ContainerFacts>;
  readonly others: Omit<EngineSnapshot, 'containers'>;
}

export function createResumes({ hub, view, seeds, log }: ResumesParts): Resumes {
  /** By host and id: what came in pieces, and has not changed since. */
  const pieces = new Map<string, Map<string, ContainerFacts>>();
  const pieceBytes = new Map<string, number>();

  /** Of hosts whose Engine has not been compared in this term yet. */
  const seeded = new Map<string, Held>();

  function held(host: string): EngineSnapshot {
    const seed = seeded.get(host) ?? sown(host);
    if (seed !== undefined) return { containers: [...seed.containers.values()], ...seed.others };
    const { images = [], volumes = [] } = view.host(host) ?? {};
    return { containers: view.containersOn(host).map(({ facts }) => facts), images, volumes, networks: view.networksOn(host) };
  }

  function sown(host: string): Held | undefined {
    const taken = seeds?.take(host);
    if (taken === undefined) return undefined;
    const { containers, images, volumes, networks } = taken;
    const seed = { containers: new Map(containers.map((facts) => [facts.summary.Id, facts])), others: { images, volumes, networks } };
    seeded.set(host, seed);
    return seed;
  }

  function applied(host: string, snapshot: EngineSnapshot): Fact {
    seeded.delete(host);
    return { type: 'snapshot', snapshot };
  }

  function compare(host: string, digest: string): Fact | undefined {
    const snapshot = held(host);
    const isSame = snapshotDigest(snapshot) === digest;
    const { containers, images, volumes } = snapshot;
    const digests = Object.fromEntries(containers.map((facts) => [facts.summary.Id, factsDigest(facts)]));
    const differs = { containers: digests, images: listDigest(images), volumes: listDigest(volumes) };
    inBackground(log, 'what is held of a host', hub.send(host, { type: 'held', ...(isSame ? { isSame } : differs) }));
    return isSame ? applied(host, snapshot) : undefined;
  }

  function complete(host: string, message: Extract<Comparing, { type: 'rest' }>): Fact {
    const sent = pieces.get(host);
    forget(host);
    const ids = new Set(message.containers);
    refuseMany(host, ids.size);
    const seed = seeded.get(host);
    const { images = [], volumes = [] } = seed?.others ?? view.host(host) ?? {};
    const factsOf = (id: string): ContainerFacts | undefined => sent?.get(id) ?? seed?.containers.get(id) ?? ownFacts(host, id);
    return applied(host, {
      containers: [...ids].flatMap((id) => factsOf(id) ?? []),
      images: message.images ?? images,
      volumes: message.volumes ?? volumes,
      networks: message.networks,
    });
  }

  function forget(host: string): void {
    pieces.delete(host);
    pieceBytes.delete(host);
  }

  function ownFacts(host: string, id: string): ContainerFacts | undefined {
    const container = view.byId(id);
    return container?.host === host ? container.facts : undefined;
  }

  return {
    read(host, message, bytes) {
      switch (message.type) {
        case 'have':
          forget(host);
          return compare(host, message.digest);
        case 'piece': {
          const sent = pieces.get(host) ?? new Map<string, ContainerFacts>();
          pieces.set(host, sent);
          for (const facts of message.containers) sent.set(facts.summary.Id, facts);
          refuseMany(host, sent.size);
          const all = (pieceBytes.get(host) ?? 0) + bytes;
          pieceBytes.set(host, all);
          if (all > MOST_BYTES) throw new ArpanetError('too-large', `host ${host} sends more than ${MOST_BYTES} bytes of containers`);
          return undefined;
        }
        case 'rest':
          return complete(host, message);
        case 'containers': {
          // It is newer than its piece, and is in the view from now on.
          const [sent, seed] = [pieces.get(host), seeded.get(host)?.containers];
          for (const { summary } of message.upserts) for (const one of [sent, seed]) one?.delete(summary.Id);
          for (const id of message.removes) for (const one of [sent, seed]) one?.delete(id);
          const come = message.upserts.filter(({ summary }) => view.byId(summary.Id) === undefined).length;
          if (come > 0) refuseMany(host, view.containersOn(host).length + come);
          return message;
        }
        case 'snapshot':
          refuseMany(host, message.snapshot.containers.length);
          return applied(host, message.snapshot);
        default:
          return message;
      }
    },
    left: forget,
  };
}

/** Throws `too-large`: its stream ends, and it is refused for a while. */
function refuseMany(host: string, containers: number): void {
  if (containers > MOST_CONTAINERS)
    throw new ArpanetError(
      'too-large',
      `host ${host} reports ${containers} containers: no more than ${MOST_CONTAINERS} are held of one host`,
    );
}
