/** Tells every agent at which addresses hosts are, so that containers do not reach them there. What changes within seconds is one message. Effects: a timer, writes to streams. */
import { inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import { formatHostPort, parseHostPort } from '../../text/host-port.ts';
import type { Hub } from './hub.ts';

/** When all hosts come back to a new leader, each of them sends its addresses: the others get what came within this time. */
const GATHER_MS = 2_000;
/** Of one host: its agent says which it has, and each is a rule in every kernel. */
const MOST_ADDRESSES = 32;

/** What of a host counts here. */
export interface ReachedHost {
  readonly record: { readonly address: string; readonly gateway: string };
  readonly facts?: { readonly addresses?: readonly string[] } | undefined;
}

export interface ClosedPush {
  /** All of it, to one host that just came; what is new of it to the others, soon. */
  readonly again: (host: string) => void;
  /** A host is none any more. */
  readonly left: (host: string) => void;
}

/** Where its agent may be reached: `ADDRESS:PORT` at each of its addresses. Pure. */
export function gatewaysOf({ record, facts }: ReachedHost): readonly string[] {
  const { host = record.address, port = 0 } = parseHostPort(record.gateway) ?? {};
  const all = new Set([host, record.address, ...(facts?.addresses ?? []).slice(0, MOST_ADDRESSES)]);
  return [...all].map((address) => formatHostPort({ host: address, port }));
}

export interface ClosedPushDeps {
  readonly hub: Pick<Hub, 'hosts' | 'send'>;
  readonly hosts: () => readonly (ReachedHost & { readonly name: string })[];
  readonly one: (host: string) => ReachedHost | undefined;
  readonly log: Logger;
}

export function createClosedPush({ hub, hosts, one, log }: ClosedPushDeps, lost: AbortSignal): ClosedPush {
  /** By host, what agents are sent. Undefined: nothing was. */
  let known: Map<string, readonly string[]> | undefined;
  /** Of all hosts, until one changes. */
  let all: readonly string[] | undefined;
  /** Hosts that changed since the last message, with what it said of them. */
  const changed = new Map<string, readonly string[]>();
  let timer: NodeJS.Timeout | undefined;
  lost.addEventListener('abort', () => clearTimeout(timer), { once: true });

  function note(host: string, now: readonly string[] | undefined): void {
    const before = known?.get(host) ?? [];
    if (before.join() === (now ?? []).join()) return;
    all = undefined;
    if (!changed.has(host)) changed.set(host, before);
    if (now === undefined) known?.delete(host);
    else known?.set(host, now);
    timer ??= setTimeout(flush, GATHER_MS).unref();
  }
  function flush(): void {
    timer = undefined;
    const before = [...changed.values()].flat();
    const now = new Set([...changed.keys()].flatMap((host) => known?.get(host) ?? []));
    changed.clear();
    const gone = before.filter((gateway) => !now.has(gateway));
    const message = { type: 'closed', hosts: [...now], ...(gone.length > 0 && { gone }) } as const;
    for (const host of hub.hosts()) inBackground(log, 'where hosts are', hub.send(host, message));
  }

  return {
    again(host) {
      known ??= new Map(hosts().map((each) => [each.name, gatewaysOf(each)]));
      const now = one(host);
      if (now !== undefined) note(host, gatewaysOf(now));
      inBackground(log, 'where hosts are', hub.send(host, { type: 'closed', isWhole: true, hosts: (all ??= [...known.values()].flat()) }));
    },
    left: (host) => note(host, undefined),
  };
}
