/**
 * The variables that `--link` gives a container on the default network, which programs of the fig era read. An Engine makes them for links on
 * its own bridge; on a cluster's network we do, at create: addresses there are kept. Pure.
 * https://github.com/moby/moby/blob/v20.10.24/daemon/links/links.go
 */
import type { ContainerView } from '../../model/index.ts';
import type { Identity, Link } from './identify.ts';
import type { JoinedNetwork } from './rewrite.ts';
import { isIdPrefix } from '../../text/references.ts';

export interface LinkTarget {
  readonly alias: string;
  readonly ip: string;
  /** `80/tcp`. */
  readonly ports: readonly string[];
  readonly env: readonly string[];
}

interface Port {
  readonly number: number;
  readonly protocol: string;
}

const UNTOLD: ReadonlySet<string> = new Set(['HOME', 'PATH']);

export function linkEnv(container: string, targets: readonly LinkTarget[]): readonly string[] {
  return targets.flatMap((target) => envOf(container, target));
}

function envOf(container: string, { alias, ip, ports, env }: LinkTarget): readonly string[] {
  const prefix = alias.toUpperCase().replaceAll('-', '_');
  const all = ports.map(portOf).sort((a, b) => a.number - b.number || Number(a.protocol !== 'tcp') - Number(b.protocol !== 'tcp'));
  const url = ({ number, protocol }: Port) => `${protocol}://${ip}:${number}`;
  const [first] = all;
  const each = all.flatMap((port) => {
    const name = `${prefix}_PORT_${port.number}_${port.protocol.toUpperCase()}`;
    return [`${name}=${url(port)}`, `${name}_ADDR=${ip}`, `${name}_PORT=${port.number}`, `${name}_PROTO=${port.protocol}`];
  });
  const variables = env.flatMap((line) => {
    const at = line.indexOf('=');
    return at < 0 || UNTOLD.has(line.slice(0, at)) ? [] : [`${prefix}_ENV_${line}`];
  });
  return [
    ...(first === undefined ? [] : [`${prefix}_PORT=${url(first)}`]),
    ...runs(all).flatMap(([from, to]) => [
      ...edge(prefix, from, from, 'START', url(from), ip),
      ...edge(prefix, from, to, 'END', url(to), ip),
    ]),
    ...each,
    `${prefix}_NAME=/${container}/${alias}`,
    ...variables,
  ];
}

function edge(prefix: string, from: Port, at: Port, what: 'START' | 'END', url: string, ip: string): readonly string[] {
  const name = `${prefix}_PORT_${from.number}_${from.protocol.toUpperCase()}`;
  const more = what === 'START' ? [`${name}_ADDR=${ip}`, `${name}_PROTO=${at.protocol}`] : [];
  return [`${name}_${what}=${url}`, ...more, `${name}_PORT_${what}=${at.number}`];
}

/** First and last of each run of ports that follow one another. */
function runs(ports: readonly Port[]): readonly (readonly [Port, Port])[] {
  const found: [Port, Port][] = [];
  for (const port of ports) {
    const last = found.at(-1);
    if (last !== undefined && last[1].number + 1 === port.number) last[1] = port;
    else found.push([port, port]);
  }
  return found.filter(([from, to]) => from !== to);
}

function portOf(text: string): Port {
  const [number = '', protocol = 'tcp'] = text.split('/');
  return { number: Number(number), protocol };
}

/** The variables of an Engine's links, of containers as they are now. */
export function linkVariables(
  name: string,
  identity: Pick<Identity, 'mode' | 'boundLinks'>,
  networks: readonly JoinedNetwork[],
  containerNamed: (reference: string) => ContainerView | undefined,
): readonly string[] {
  if (identity.mode.kind !== 'cluster') return [];
  const targets = identity.boundLinks.flatMap(({ target, alias }): LinkTarget[] => {
    const view = containerNamed(target);
    if (view === undefined) return [];
    const { Config, NetworkSettings } = view.facts.inspect;
    const shared = networks.map(({ record }) => view.record?.addresses[record.id]).find((ip) => ip !== undefined);
    const ip = shared ?? Object.values(NetworkSettings.Networks ?? {})[0]?.IPAddress ?? '';
    const own = view.record?.linkEnv ?? [];
    return [{ alias, ip, ports: Object.keys(Config.ExposedPorts ?? {}), env: (Config.Env ?? []).filter((line) => !own.includes(line)) }];
  });
  return linkEnv(name, targets);
}

/** Hostnames of what it is linked to, where they were chosen. */
export function linkedHostsOf(
  identity: Pick<Identity, 'mode' | 'boundLinks'>,
  containerNamed: (reference: string) => ContainerView | undefined,
): readonly Link[] {
  if (identity.mode.kind !== 'cluster') return [];
  return identity.boundLinks.flatMap(({ target }) => {
    const found = containerNamed(target);
    const hostname = found?.facts.inspect.Config.Hostname ?? '';
    return found === undefined || hostname === '' || isIdPrefix(hostname, found.id) ? [] : [{ target: found.name, alias: hostname }];
  });
}
