/**
 * Tells every agent which instances are behind what all hosts answer for, published ports and names of HTTP, when that changes: what changed, and all of it to a host
 * that just came. Effects: writes to streams.
 */
import { patientlyFor } from '../../async/within.ts';
import type { InstanceChange, NameUpdate } from '../../contracts/index.ts';
import type { LeaderMessage, NamedInstance } from '../../model/index.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Hub } from './hub.ts';

const PUSH_TIMEOUT_MS = 1_000;

export interface ClaimsPush {
  /** Resolves when what has changed has left this process for every agent, after a second at the latest. Never rejects. */
  readonly push: (update: Pick<NameUpdate, 'changes' | 'isWhole' | 'instances'>) => Promise<void>;
  /** All of it, to one host that just came. */
  readonly again: (host: string) => void;
}

export interface ClaimsPushDeps {
  readonly hub: Pick<Hub, 'hosts' | 'send'>;
  /** Where other hosts reach this one, by IPv4 and IPv6. */
  readonly addressOf: (host: string) => { readonly at: string | undefined; readonly at6: string | undefined };
  /** Addresses of all hosts, of both families. */
  readonly addresses: () => readonly string[];
  readonly log: Logger;
}

/** What is claimed: plain functions. */
export interface ClaimKind<Entry> {
  /** In words, for the log. */
  readonly what: string;
  /** What an instance asks for, each with a key. */
  readonly keysOf: (instance: NamedInstance) => readonly string[];
  /** What hosts are sent of a key; `members` ask for it, who asked first before the others. */
  readonly entryOf: (key: string, members: readonly NamedInstance[], addressOf: ClaimsPushDeps['addressOf']) => Entry;
  readonly messageOf: (part: ClaimsPart<Entry>) => LeaderMessage;
}

export interface ClaimsPart<Entry> {
  readonly isWhole?: true;
  readonly entries: readonly Entry[];
  readonly gone?: readonly string[];
  readonly hosts?: readonly string[];
  readonly hosts6?: readonly string[];
}

/** By key, the instances that ask for it. Kept up to date by changes: a look costs as much as it finds. Pure. */
export function createClaims<Entry>({ keysOf, entryOf }: Pick<ClaimKind<Entry>, 'keysOf' | 'entryOf'>) {
  const claims = new Map<string, Map<string, NamedInstance>>();
  /** By host, how many instances there ask for a key. */
  const onHosts = new Map<string, Map<string, number>>();
  const keysIn = (instance: NamedInstance | undefined): string => (instance === undefined ? '' : keysOf(instance).join());

  function remove(instance: NamedInstance, touched: Set<string>): void {
    for (const key of keysOf(instance)) {
      touched.add(key);
      const had = claims.get(key)?.get(instance.container);
      if (had !== undefined) count(had.host, key, -1);
      claims.get(key)?.delete(instance.container);
      if (claims.get(key)?.size === 0) claims.delete(key);
    }
  }
  function add(instance: NamedInstance, touched: Set<string>): void {
    for (const key of keysOf(instance)) {
      touched.add(key);
      const members = claims.get(key) ?? new Map<string, NamedInstance>();
      claims.set(key, members);
      const had = members.get(instance.container);
      if (had !== undefined) count(had.host, key, -1);
      members.set(instance.container, instance);
      count(instance.host, key, 1);
    }
  }
  function count(host: string, key: string, by: 1 | -1): void {
    const on = onHosts.get(host) ?? new Map<string, number>();
    const now = (on.get(key) ?? 0) + by;
    if (now > 0) on.set(key, now);
    else on.delete(key);
    if (on.size > 0) onHosts.set(host, on);
    else onHosts.delete(host);
  }

  return {
    /** Keys that have other instances than before. */
    apply(changes: readonly InstanceChange[]): ReadonlySet<string> {
      const touched = new Set<string>();
      // One that only changed keeps its place: the key stays its service's. All that goes, goes first: a container may leave one name for another.
      for (const { before, now } of changes) {
        const isSame = before?.container === now?.container && keysIn(before) === keysIn(now);
        if (before !== undefined && !isSame) remove(before, touched);
      }
      for (const { now } of changes) if (now !== undefined) add(now, touched);
      return touched;
    },
    /** Forgets all, and enters these. Keys that there were, and are. */
    replace(instances: readonly NamedInstance[]): ReadonlySet<string> {
      const touched = new Set(claims.keys());
      claims.clear();
      onHosts.clear();
      for (const instance of instances) add(instance, touched);
      return touched;
    },
    /** That instances on this host ask for. */
    keysOn: (host: string): readonly string[] => [...(onHosts.get(host)?.keys() ?? [])],
    /** Undefined: nobody asks for it. */
    of(key: string, addressOf: ClaimsPushDeps['addressOf']): Entry | undefined {
      const members = claims.get(key);
      return members && entryOf(key, [...members.values()], addressOf);
    },
  };
}

export function createClaimsPush<Entry>({ hub, addressOf, addresses, log }: ClaimsPushDeps, kind: ClaimKind<Entry>): ClaimsPush {
  const { what, messageOf } = kind;
  const claims = createClaims(kind);
  /** By key, what was sent to the agents, and its JSON. */
  const sent = new Map<string, { readonly entry: Entry; readonly text: string }>();
  /** Addresses that the agents have; none before the first claim. */
  const known = new Set<string>();
  let isFirst = true;

  const broadcast = (part: ClaimsPart<Entry>): Promise<unknown> => {
    const message = messageOf(part);
    return patientlyFor(PUSH_TIMEOUT_MS, Promise.all(hub.hosts().map((host) => hub.send(host, message))));
  };

  /** Undefined: it is what the agents have. */
  function changed(key: string): { readonly key: string; readonly entry: Entry | undefined } | undefined {
    const entry = claims.of(key, addressOf);
    const text = entry && JSON.stringify(entry);
    if (text === sent.get(key)?.text) return undefined;
    if (entry === undefined || text === undefined) sent.delete(key);
    else sent.set(key, { entry, text });
    return { key, entry };
  }
  const whole = (): ClaimsPart<Entry> => ({
    isWhole: true,
    entries: [...sent.values()].map(({ entry }) => entry),
    ...hosts(sent.size > 0),
  });
  /** An agent of before takes no IPv6 address among the others. */
  function hosts(isAny: boolean): { readonly hosts: readonly string[]; readonly hosts6: readonly string[] } {
    const all = isAny ? [...known] : [];
    return { hosts: all.filter((one) => !one.includes(':')), hosts6: all.filter((one) => one.includes(':')) };
  }

  return {
    async push({ changes, isWhole, instances }) {
      const touched = isWhole ? claims.replace(instances()) : claims.apply(changes);
      const hadNone = sent.size === 0;
      const now = [...touched].flatMap((key) => changed(key) ?? []);
      const entries = now.flatMap(({ entry }) => entry ?? []);
      const gone = now.flatMap(({ key, entry }) => (entry === undefined ? [key] : []));
      if (hadNone && sent.size > 0) for (const address of addresses()) known.add(address);
      // what an earlier leader sent may be over
      if (isFirst || (hadNone && entries.length > 0)) {
        isFirst = false;
        await broadcast(whole());
      } else if (entries.length + gone.length > 0) await broadcast({ entries, ...(gone.length > 0 && { gone }) });
    },
    again(host) {
      if (isFirst) return;
      const { at, at6 } = addressOf(host);
      const come = sent.size === 0 ? [] : [at, at6].filter((one) => one !== undefined && !known.has(one));
      for (const address of come) if (address !== undefined) known.add(address);
      // it may have come back with another address, at which the others find its instances
      const entries = claims.keysOn(host).flatMap((key) => changed(key)?.entry ?? []);
      inBackground(log, `${what} for a host`, hub.send(host, messageOf(whole())));
      const isNew = come.length > 0;
      if (!isNew && entries.length === 0) return;
      inBackground(log, `${what} for a host`, broadcast({ entries, ...(isNew && hosts(true)) }));
    },
  };
}
