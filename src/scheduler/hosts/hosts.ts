/** The members of the cluster: hosts join, operators update and remove them. Effects: writes to the ledger. */
import type * as contracts from '../../contracts/index.ts';
import { hint } from '../../config/nearest.ts';
import {
  type AdmissionRecord,
  ArpanetError,
  type CertificateRecord,
  type HostFacts,
  type HostRecord,
  keys,
  type TunnelEnd,
} from '../../model/index.ts';
import type { Commit } from '../core.ts';
import type { SchedulerDeps } from '../deps.ts';
import { TRANSITIONS } from '../loss/host-states.ts';
import type { Liveness } from '../loss/liveness.ts';
import { changedLimits, limitRefusal } from './host-limits.ts';
import type { RecordIndex } from '../view/record-index.ts';
import { snapshotOf } from '../view/host-snapshots.ts';
import type { Change } from '../../store/ledger/contract.ts';
import type { HostSnapshot } from '../placement/snapshot.ts';
import type { HostWriter, ImageReader, ViewReader } from '../view/roles.ts';

export interface Hosts extends Pick<contracts.Hosts, 'update'> {
  /** A host's agent has connected: records the host. Throws `forbidden` for one that was removed, `conflict` for one expected at another address. */
  readonly joined: (facts: HostFacts) => Promise<void>;
  /** The host has other keys for encrypted networks. */
  readonly tunnelChanged: (name: string, ends: readonly TunnelEnd[]) => Promise<void>;
  /** The changes that remove it from the members, to be committed by the caller. */
  readonly leave: (name: string) => readonly Change[];
  /** Removes it from the view, once they are committed. */
  readonly left: (name: string) => void;
}

export interface HostsParts {
  readonly deps: SchedulerDeps;
  readonly recordIndex: Pick<RecordIndex, 'unseenOn'>;
  readonly view: ViewReader;
  readonly members: HostWriter;
  readonly images: Pick<ImageReader, 'on'>;
  readonly commit: Commit;
  readonly liveness: Pick<Liveness, 'connected' | 'forget' | 'member'>;
}

export function createHosts({ deps, recordIndex, view, members, images, commit, liveness }: HostsParts): Hosts {
  const { ledger, log, now } = deps;

  for (const [, record] of ledger.list<HostRecord>(keys.hosts)) {
    members.add(record);
    liveness.member(record.name);
  }

  function snapshotNow(name: string): HostSnapshot {
    const host = view.host(name);
    if (host === undefined) throw noSuchHost(name, view);
    return snapshotOf({ view, images, recordIndex, deps }, host);
  }

  /** If it comes back, it is as a new one: with another certificate, or without TLS. What was revoked stays so. */
  function certificateLeft(name: string): readonly Change[] {
    const key = keys.certificate(name);
    const record = ledger.get<CertificateRecord>(key);
    if (record === undefined) return [];
    return [record.revokedSerials === undefined ? { kind: 'delete', key } : { kind: 'put', key, value: { ...record, serials: [] } }];
  }

  return {
    leave(name) {
      const was = ledger.get<HostRecord>(keys.host(name))?.address;
      const value: AdmissionRecord = { name, kind: 'removed', ...(was === undefined ? {} : { was }), atMs: now() };
      return [{ kind: 'delete', key: keys.host(name) }, ...certificateLeft(name), { kind: 'put', key: keys.admission(name), value }];
    },
    left(name) {
      liveness.forget(name);
      members.remove(name);
    },
    async update(name, change) {
      const before = ledger.get<HostRecord>(keys.host(name));
      if (before === undefined) throw noSuchHost(name, view);
      const setLabels = { ...before.setLabels, ...change.labels };
      const { limits: _before, drainDeadline: deadlineBefore, drainedFor: purposeBefore, ...rest } = before;
      const drainDeadline = change.availability === undefined ? deadlineBefore : change.drainDeadline;
      const drainedFor = change.availability === undefined ? purposeBefore : change.drainedFor;
      const limits = changedLimits(before.limits, change.limits ?? {});
      const refusal = change.limits === undefined ? undefined : limitRefusal(change.limits, snapshotNow(name), view.host(name)?.facts);
      if (refusal !== undefined) throw new ArpanetError('conflict', refusal);
      const record: HostRecord = {
        ...rest,
        availability: change.availability ?? before.availability,
        ...(drainDeadline === undefined ? {} : { drainDeadline }),
        ...(drainedFor === undefined ? {} : { drainedFor }),
        ...(change.labels === undefined
          ? {}
          : { setLabels, labels: mergedLabels(view.host(name)?.facts?.labels ?? before.labels, setLabels) }),
        ...(limits === undefined ? {} : { limits }),
      };
      await commit([{ kind: 'put', key: keys.host(name), value: record }]);
      members.change(record);
      log.info({ host: name, availability: record.availability }, 'host changed by an operator');
      return record;
    },
    async tunnelChanged(name, ends) {
      const known = ledger.get<HostRecord>(keys.host(name));
      if (known?.tunnel === undefined) return;
      const record = { ...known, tunnel: { ...known.tunnel, ends: ends.map(endOf) } };
      await commit([{ kind: 'put', key: keys.host(name), value: record }]);
      members.change(record);
    },
    async joined(facts) {
      const { name, address, gateway } = facts;
      const routesFault = deps.dhcp.networks.routesFault(facts.routes);
      if (routesFault !== undefined) throw new ArpanetError('conflict', `host ${name} has ${routesFault}`);
      const known = ledger.get<HostRecord>(keys.host(name));
      const admission = ledger.get<AdmissionRecord>(keys.admission(name));
      const state = admission?.kind === 'removed' ? 'removed' : (view.host(name)?.state ?? 'joining');
      if (TRANSITIONS[state].connected === 'removed')
        throw new ArpanetError('forbidden', `${name} was removed from this cluster: "arpanet hosts add ${name}" lets it join again`);
      // it may say that the host was removed
      if (known === undefined && ledger.unreadable().some(({ key }) => key === keys.admission(name)))
        throw new ArpanetError(
          'forbidden',
          `the record ${keys.admission(name)} of the state store cannot be read: "arpanet hosts add ${name}" writes it again and lets the host join`,
        );
      if (admission !== undefined) refuseElsewhere(admission, facts);
      const before = known ?? admission;
      const record: HostRecord = {
        name,
        address,
        gateway,
        labels: mergedLabels(facts.labels, before?.setLabels),
        availability: before?.availability ?? 'active',
        ...(known?.drainDeadline === undefined ? {} : { drainDeadline: known.drainDeadline }),
        ...(known?.drainedFor === undefined ? {} : { drainedFor: known.drainedFor }),
        ...(before?.setLabels === undefined ? {} : { setLabels: before.setLabels }),
        ...(before?.limits === undefined ? {} : { limits: before.limits }),
        ...(facts.mtu === undefined ? {} : { mtu: facts.mtu }),
        ...(facts.sharesGateway === true ? { sharesGateway: true } : {}),
        ...(facts.tunnel === undefined ? {} : { tunnel: { kind: facts.tunnel.kind, ends: facts.tunnel.ends.map(endOf) } }),
        ...(facts.hasTls === true ? { hasTls: true } : {}),
        joinedAtMs: known?.joinedAtMs ?? now(),
      };
      const changes: Change[] =
        JSON.stringify(known) === JSON.stringify(record) ? [] : [{ kind: 'put', key: keys.host(name), value: record }];
      if (admission !== undefined) changes.push({ kind: 'delete', key: keys.admission(name) });
      await commit(changes);
      members.join(record, facts);
      liveness.connected(name);
    },
  };
}

const noSuchHost = (name: string, view: Pick<ViewReader, 'hosts'>) =>
  new ArpanetError(
    'not-found',
    `no such host: ${name}; ${hint(
      name,
      view.hosts().map((host) => host.name),
    )}`,
  );

/** Without what a newer agent may say beside it. */
const endOf = ({ slot, key, port, madeAtMs }: TunnelEnd): TunnelEnd => ({ slot, key, port, madeAtMs });

/** Throws `conflict` for a host that is expected at another address. */
function refuseElsewhere({ address }: AdmissionRecord, { name, address: its }: HostFacts): void {
  if (address !== undefined && address !== its)
    throw new ArpanetError(
      'conflict',
      `${name} is expected at ${address}, not at ${its}: give this host another --name, or add it again with --address ${its}`,
    );
}

function mergedLabels(own: Readonly<Record<string, string>>, set: HostRecord['setLabels'] = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries({ ...own, ...set }).filter((entry): entry is [string, string] => entry[1] !== null));
}
