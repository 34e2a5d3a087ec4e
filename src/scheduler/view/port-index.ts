/** Which containers hold which host ports, kept up to date as containers change: a look at one number costs as much as there are that have it. */
import { type ContainerInspect, type HostConfig, labels } from '../../model/index.ts';
import { ingressOf } from '../../text/ingress-label.ts';
import { hostPortsOf } from '../create/identify-needs.ts';
import { type HostPort, parseHostPort } from '../placement/host-ports.ts';

export interface PortIndex {
  readonly put: (id: string, inspect: ContainerInspect) => void;
  readonly remove: (id: string) => void;
  /** Ids of those that have or ask for this number, alone or in a range, whatever their state and address. */
  readonly at: (number: number, protocol: string) => readonly string[];
  /** Ids of those for which every host answers at this number. */
  readonly onAllHosts: (number: number, protocol: string) => readonly string[];
}

const keyOf = (number: number, protocol: string) => `${number}/${protocol}`;

export function createPortIndex(): PortIndex {
  const known = new Map<string, { readonly inspect: ContainerInspect; readonly ports: readonly HostPort[] }>();
  const single = new Map<string, Set<string>>();
  /** Ranges of which no number is chosen, as on an Engine by itself: there are few. */
  const spans = new Map<string, readonly HostPort[]>();
  /** By label `arpanet.ingress`. */
  const everywhere = new Map<string, Set<string>>();

  const leave = (index: Map<string, Set<string>>, key: string, id: string): void => {
    index.get(key)?.delete(id);
    if (index.get(key)?.size === 0) index.delete(key);
  };

  function remove(id: string): void {
    const before = known.get(id);
    for (const { from, protocol } of before?.ports ?? []) leave(single, keyOf(from, protocol), id);
    for (const { port, protocol } of ingressOf(before?.inspect.Config?.Labels?.[labels.ingress]))
      leave(everywhere, keyOf(port, protocol), id);
    known.delete(id);
    spans.delete(id);
  }

  return {
    remove,
    put(id, inspect) {
      if (known.get(id)?.inspect === inspect) return;
      remove(id);
      const all = readable(inspect);
      const ports = all.filter(({ from, to }) => from === to);
      const open = all.filter(({ from, to }) => from !== to);
      known.set(id, { inspect, ports });
      if (open.length > 0) spans.set(id, open);
      for (const { from, protocol } of ports) {
        const key = keyOf(from, protocol);
        single.set(key, (single.get(key) ?? new Set()).add(id));
      }
      for (const { port, protocol } of ingressOf(inspect.Config?.Labels?.[labels.ingress])) {
        const key = keyOf(port, protocol);
        everywhere.set(key, (everywhere.get(key) ?? new Set()).add(id));
      }
    },
    onAllHosts: (number, protocol) => [...(everywhere.get(keyOf(number, protocol)) ?? [])],
    at(number, protocol) {
      const inSpans = [...spans].flatMap(([id, ports]) =>
        ports.some((port) => port.protocol === protocol && port.from <= number && number <= port.to) ? [id] : [],
      );
      return [...new Set([...(single.get(keyOf(number, protocol)) ?? []), ...inSpans])];
    },
  };
}

/** One whose ports cannot be read has none; placement says so of it. */
function readable(inspect: ContainerInspect): readonly HostPort[] {
  try {
    return hostPortsOf(boundPorts(inspect)).map(parseHostPort);
  } catch {
    return [];
  }
}

/** Of a range the port that its Engine took, once it runs. */
export function boundPorts(inspect: ContainerInspect): HostConfig['PortBindings'] {
  const asked = inspect.HostConfig.PortBindings ?? {};
  const bound = (inspect.State.Running ? inspect.NetworkSettings['Ports'] : undefined) as HostConfig['PortBindings'];
  return Object.fromEntries(Object.entries(asked).map(([port, bindings]) => [port, bound?.[port] ?? bindings]));
}
