/** Hosts as they join, beat and fall silent. Effects: a timer. */
import { hint } from '../../config/nearest.ts';
import {
  type AdmissionRecord,
  type AgentMessage,
  ArpanetError,
  type ContainerRecord,
  type HostChange,
  type HostFacts,
  type HostRecord,
  keys,
} from '../../model/index.ts';
import type { Commit } from '../core.ts';
import type { SchedulerDeps } from '../deps.ts';
import type { Feed } from '../events/feed.ts';
import { doubtedHosts, hostState } from '../loss/host-state.ts';
import { changedLimits, limitRefusal } from './host-limits.ts';
import { hostSnapshot } from '../view/host-snapshots.ts';
import type { Change } from '../../store/ledger/contract.ts';
import type { HostSnapshot } from '../placement/snapshot.ts';
import type { View } from '../view/view.ts';

export interface Hosts {
  /** A host said hello: it is recorded, and its snapshot awaited. */
  readonly joined: (facts: HostFacts) => Promise<void>;
  /** Something came from it, whatever it was. */
  readonly heard: (host: string, message: Exclude<AgentMessage, { type: 'hello' | 'done' }>) => void;
  /** What ops change about a host. Throws `not-found`, and `conflict` with figures for limits below what is there. */
  readonly update: (name: string, change: HostChange) => Promise<HostRecord>;
  /** It is no member any more: the changes that make it so, to be committed by the caller. */
  readonly leave: (name: string) => readonly Change[];
  /** Forgets it, once that is committed. */
  readonly left: (name: string) => void;
  /** When any host was last heard of; undefined: none since the election. */
  readonly lastHeardMs: () => number | undefined;
  /** Judges all hosts anew. */
  readonly judge: () => void;
}

interface Signs {
  heardMs: number;
  engineTrouble: string | undefined;
  engineSilent?: string | undefined;
}

/** As the status says it, too. */
const MASS_LOSS = 'over a third of the hosts fell silent at once: nothing is moved, and their names stay, until some are back';

export interface HostsParts {
  readonly deps: SchedulerDeps;
  readonly view: View;
  readonly commit: Commit;
  readonly feed: Pick<Feed, 'node'>;
  /** Nothing is heard of it any more: who waits for its Engine waits in vain. */
  readonly silent: (host: string) => void;
}

export function startHosts({ deps, view, commit, feed, silent }: HostsParts, lost: AbortSignal): Hosts {
  const { ledger, log, now, graceMs } = deps;
  const signs = new Map<string, Signs>();
  const electedAtMs = now();
  const everyMs = Math.max(50, Math.min(1_000, deps.hostDownMs / 10));
  let lastMs = electedAtMs;
  let doubted: ReadonlyMap<string, number> = new Map();

  for (const [, record] of ledger.list<HostRecord>(keys.hosts)) view.addHost(record);

  function judgeOne(name: string): void {
    const { heardMs, engineTrouble, engineSilent } = signs.get(name) ?? {};
    const isComplete = view.isComplete(name);
    const { state, why } = hostState({
      nowMs: now(),
      electedAtMs,
      heardMs,
      isComplete,
      engineTrouble,
      engineSilent,
      hostDownMs: deps.hostDownMs,
      graceMs,
    });
    const before = view.host(name)?.state;
    if (!view.setState(name, state, why, state === 'down' && doubted.has(name))) return;
    if (state === before) return;
    if (state === 'down' && engineTrouble === undefined) silent(name);
    if (state === 'down') log.warn({ host: name, why }, 'host is down');
    else log.info({ host: name, state }, 'host changed state');
    feed.node(name, { 'state.old': before ?? '', 'state.new': state, ...(why === undefined ? {} : { why }) });
  }

  function judgeTogether(): void {
    const all = view.hosts();
    const silent = all.map(({ name }) => ({ name, sinceMs: signs.get(name)?.heardMs ?? electedAtMs }));
    const wasSound = doubted.size === 0;
    doubted = doubtedHosts(silent, all.length, now(), deps.hostDownMs, doubted);
    if (!wasSound || doubted.size === 0) return;
    log.error({ hosts: [...doubted.keys()] }, MASS_LOSS);
    for (const name of doubted.keys()) feed.node(name, { warning: MASS_LOSS });
  }

  function judge(): void {
    // When it is us who slept (a stopped process, a blocked loop), nobody could be heard: that is not the hosts' fault.
    const sleptMs = now() - lastMs - everyMs;
    if (sleptMs > deps.hostDownMs / 2) for (const sign of signs.values()) sign.heardMs += sleptMs;
    lastMs = now();
    judgeTogether();
    for (const host of view.hosts()) judgeOne(host.name);
  }

  const timer = setInterval(judge, everyMs);
  lost.addEventListener('abort', () => clearInterval(timer));

  function snapshotOf(name: string): HostSnapshot {
    const host = view.host(name);
    if (host === undefined) throw noSuchHost(name, view);
    const records = ledger.list<ContainerRecord>(keys.containers).map(([, record]) => record);
    const creating = records.filter((record) => record.host === name && record.id === undefined);
    const containers = view.containersOn(name);
    return hostSnapshot({ host, loadAtMs: 0, containers, creating, images: view.hostImages(name), pending: [] });
  }

  return {
    judge,
    leave(name) {
      const was = ledger.get<HostRecord>(keys.host(name))?.address;
      const value: AdmissionRecord = { name, kind: 'removed', ...(was === undefined ? {} : { was }), atMs: now() };
      return [
        { kind: 'delete', key: keys.host(name) },
        { kind: 'put', key: keys.admission(name), value },
      ];
    },
    left(name) {
      signs.delete(name);
      view.removeHost(name);
    },
    lastHeardMs: () => (signs.size === 0 ? undefined : Math.max(...[...signs.values()].map(({ heardMs }) => heardMs))),
    async update(name, change) {
      const before = ledger.get<HostRecord>(keys.host(name));
      if (before === undefined) throw noSuchHost(name, view);
      const setLabels = { ...before.setLabels, ...change.labels };
      const { limits: _before, ...rest } = before;
      const limits = changedLimits(before.limits, change.limits ?? {});
      const refusal = change.limits === undefined ? undefined : limitRefusal(change.limits, snapshotOf(name), view.host(name)?.facts);
      if (refusal !== undefined) throw new ArpanetError('conflict', refusal);
      const record: HostRecord = {
        ...rest,
        availability: change.availability ?? before.availability,
        ...(change.labels === undefined
          ? {}
          : { setLabels, labels: mergedLabels(view.host(name)?.facts?.labels ?? before.labels, setLabels) }),
        ...(limits === undefined ? {} : { limits }),
      };
      await commit([{ kind: 'put', key: keys.host(name), value: record }]);
      view.changeHost(record);
      log.info({ host: name, availability: record.availability }, 'host changed by ops');
      return record;
    },
    async joined(facts) {
      const { name, address, gateway } = facts;
      const known = ledger.get<HostRecord>(keys.host(name));
      const admission = ledger.get<AdmissionRecord>(keys.admission(name));
      if (admission !== undefined) refuse(admission, facts);
      const before = known ?? admission;
      const record: HostRecord = {
        name,
        address,
        gateway,
        labels: mergedLabels(facts.labels, before?.setLabels),
        availability: before?.availability ?? 'active',
        ...(before?.setLabels === undefined ? {} : { setLabels: before.setLabels }),
        ...(before?.limits === undefined ? {} : { limits: before.limits }),
        joinedAtMs: known?.joinedAtMs ?? now(),
      };
      const changes: Change[] =
        JSON.stringify(known) === JSON.stringify(record) ? [] : [{ kind: 'put', key: keys.host(name), value: record }];
      if (admission !== undefined) changes.push({ kind: 'delete', key: keys.admission(name) });
      await commit(changes);
      signs.set(name, { heardMs: now(), engineTrouble: undefined });
      view.join(record, facts);
      judgeOne(name);
    },
    heard(host, message) {
      const sign = signs.get(host);
      if (sign === undefined) return;
      sign.heardMs = now();
      if (message.type === 'engine') {
        sign.engineTrouble = message.alive ? undefined : message.why;
        sign.engineSilent = message.alive && message.why !== '' ? message.why : undefined;
      }
      judgeOne(host);
    },
  };
}

const noSuchHost = (name: string, view: View) =>
  new ArpanetError(
    'not-found',
    `no such host: ${name}; ${hint(
      name,
      view.hosts().map((host) => host.name),
    )}`,
  );

/** Throws `forbidden` for a host that was removed, `conflict` for one that is awaited at another address. */
function refuse({ kind, address }: AdmissionRecord, { name, address: its }: HostFacts): void {
  if (kind === 'removed')
    throw new ArpanetError('forbidden', `${name} was removed from this cluster: "arpanet hosts add ${name}" lets it join again`);
  if (address !== undefined && address !== its)
    throw new ArpanetError(
      'conflict',
      `${name} is awaited at ${address}, and not at ${its}: give this host another --name, or add it again with --address ${its}`,
    );
}

function mergedLabels(own: Readonly<Record<string, string>>, set: HostRecord['setLabels'] = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries({ ...own, ...set }).filter((entry): entry is [string, string] => entry[1] !== null));
}
