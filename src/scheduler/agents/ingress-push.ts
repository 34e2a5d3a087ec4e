/**
 * Tells every agent which instances are behind the published ports of mode ingress, when that changes: the ports that changed, and all of them to a host
 * that just came. Effects: writes to streams.
 */
import { patientlyFor } from '../../async/within.ts';
import type { InstanceChange, NameUpdate } from '../../contracts/index.ts';
import { answering, ingressKey, type IngressPort, type NamedInstance } from '../../model/index.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Hub } from './hub.ts';

const PUSH_TIMEOUT_MS = 1_000;

export interface IngressPush {
  /** Resolves when what has changed has left this process for every agent, after a second at the latest. Never rejects. */
  readonly push: (update: Pick<NameUpdate, 'changes' | 'isWhole' | 'instances'>) => Promise<void>;
  /** All of it, to one host that just came. */
  readonly again: (host: string) => void;
}

interface Claimed {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly members: Map<string, NamedInstance>;
}

/** By `ingressKey`, the instances that ask for it. Kept up to date by changes: a look costs as much as it finds. Pure. */
export function createIngressClaims() {
  const claims = new Map<string, Claimed>();

  function remove({ container, ingress }: NamedInstance, touched: Set<string>): void {
    for (const key of ingress?.ports.map(ingressKey) ?? []) {
      touched.add(key);
      claims.get(key)?.members.delete(container);
      if (claims.get(key)?.members.size === 0) claims.delete(key);
    }
  }
  function add(instance: NamedInstance, touched: Set<string>): void {
    for (const { port, protocol } of instance.ingress?.ports ?? []) {
      const key = ingressKey({ port, protocol });
      touched.add(key);
      const claimed = claims.get(key) ?? { port, protocol, members: new Map<string, NamedInstance>() };
      claims.set(key, claimed);
      claimed.members.set(instance.container, instance);
    }
  }

  return {
    /** Keys that have other instances than before. */
    apply(changes: readonly InstanceChange[]): ReadonlySet<string> {
      const touched = new Set<string>();
      // One that only changed keeps its place: the port stays its service's. All that goes, goes first: a container may leave one name for another.
      for (const { before, now } of changes) {
        const isSame = before?.container === now?.container && portsOf(before) === portsOf(now);
        if (before !== undefined && !isSame) remove(before, touched);
      }
      for (const { now } of changes) if (now !== undefined) add(now, touched);
      return touched;
    },
    /** Forgets all, and enters these. Keys that there were, and are. */
    replace(instances: readonly NamedInstance[]): ReadonlySet<string> {
      const touched = new Set(claims.keys());
      claims.clear();
      for (const instance of instances) add(instance, touched);
      return touched;
    },
    keys: (): readonly string[] => [...claims.keys()],
    /** Undefined: nobody asks for it. A port is one service's: that of who asked first. */
    of(key: string, addressOf: AddressOf): IngressPort | undefined {
      const claimed = claims.get(key);
      if (claimed === undefined) return undefined;
      const { port, protocol } = claimed;
      const [first] = claimed.members.values();
      const own = [...claimed.members.values()].filter((one) => one.deployment === first?.deployment && one.service === first.service);
      const instances = answering(own, false).flatMap(({ host, ingress }) => {
        const { at, at6 } = addressOf(host);
        const target = ingress?.ports.find((one) => one.port === port && one.protocol === protocol)?.target;
        if (at === undefined || ingress === undefined || target === undefined) return [];
        const { address, address6 } = ingress;
        return [{ host, at, address, target, ...(address6 === undefined ? {} : { address6, ...(at6 === undefined ? {} : { at6 }) }) }];
      });
      return { port, protocol, instances };
    },
  };
}

/** Where other hosts reach this one, by IPv4 and IPv6. */
type AddressOf = (host: string) => { readonly at: string | undefined; readonly at6: string | undefined };

const portsOf = (instance: NamedInstance | undefined): string => JSON.stringify(instance?.ingress?.ports ?? []);

export interface IngressPushDeps {
  readonly hub: Pick<Hub, 'hosts' | 'send'>;
  readonly addressOf: AddressOf;
  /** Addresses of all hosts, of both families. */
  readonly addresses: () => readonly string[];
  readonly log: Logger;
}

export function createIngressPush({ hub, addressOf, addresses, log }: IngressPushDeps): IngressPush {
  const claims = createIngressClaims();
  /** By key, what was sent to the agents. */
  const sent = new Map<string, string>();
  /** Addresses that the agents have; none before the first port. */
  const known = new Set<string>();
  let isFirst = true;

  const broadcast = (message: Parameters<Hub['send']>[1]): Promise<unknown> =>
    patientlyFor(PUSH_TIMEOUT_MS, Promise.all(hub.hosts().map((host) => hub.send(host, message))));

  const here = (): readonly IngressPort[] => claims.keys().flatMap((key) => claims.of(key, addressOf) ?? []);

  function whole(ports: readonly IngressPort[]): Parameters<Hub['send']>[1] {
    if (ports.length > 0) for (const address of addresses()) known.add(address);
    return { type: 'ingress', isWhole: true, ports, ...hosts(ports.length > 0) };
  }
  /** An agent of before takes no IPv6 address among the others. */
  function hosts(isAny: boolean): { readonly hosts: readonly string[]; readonly hosts6: readonly string[] } {
    const all = isAny ? [...known] : [];
    return { hosts: all.filter((one) => !one.includes(':')), hosts6: all.filter((one) => one.includes(':')) };
  }

  return {
    async push({ changes, isWhole, instances }) {
      const touched = isWhole ? claims.replace(instances()) : claims.apply(changes);
      const ports: IngressPort[] = [];
      const gone: string[] = [];
      const hadNone = sent.size === 0;
      for (const key of touched) {
        const port = claims.of(key, addressOf);
        const text = port && JSON.stringify(port);
        if (text === sent.get(key)) continue;
        if (port === undefined || text === undefined) gone.push(key);
        else ports.push(port);
        if (text === undefined) sent.delete(key);
        else sent.set(key, text);
      }
      // what an earlier leader sent may be over
      if (isFirst || (hadNone && ports.length > 0)) {
        isFirst = false;
        await broadcast(whole(here()));
      } else if (ports.length + gone.length > 0) await broadcast({ type: 'ingress', ports, ...(gone.length > 0 && { gone }) });
    },
    again(host) {
      if (isFirst) return;
      const { at, at6 } = addressOf(host);
      const isNew = sent.size > 0 && [at, at6].some((one) => one !== undefined && !known.has(one));
      const all = here();
      inBackground(log, 'published ports for a host', hub.send(host, whole(all)));
      // it may have come back with another address, at which the others find its instances
      const ports = all.filter((port) => sent.get(ingressKey(port)) !== JSON.stringify(port));
      for (const port of ports) sent.set(ingressKey(port), JSON.stringify(port));
      if (!isNew && ports.length === 0) return;
      inBackground(log, 'published ports for a host', broadcast({ type: 'ingress', ports, ...(isNew && hosts(true)) }));
    },
  };
}
