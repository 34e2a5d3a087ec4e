/** What the cluster holds, as text for a terminal: a decision, networks, names, events. Pure. */
import type { Decision, EngineEvent, NamedInstance, OutsideEntry, OutsideName } from '../model/index.ts';
import type { NetworkReport } from './reports/report.ts';
import { table } from './tables.ts';

const FIGURES: readonly (readonly [name: string, heading: string, isShare: boolean])[] = [
  ['wishes', 'WISHES', false],
  ['sameService', 'SAME SERVICE', false],
  ['cpu', 'CPU', true],
  ['memory', 'MEMORY', true],
  ['pendingCpu', '+CPU', true],
  ['pendingMemory', '+MEMORY', true],
  ['reservedCpu', 'RESERVED CPU', true],
  ['reservedMemory', 'RESERVED MEMORY', true],
  ['containers', 'CONTAINERS', false],
  ['image', 'IMAGE', false],
];

/** Why a container is where it is. */
export function explainText(container: string, decision: Decision): string {
  const { host, strategy, scored, refused } = decision;
  const at = new Date(decision.atMs).toISOString().replace('T', ' ').replace(/\..*/, ' UTC');
  const asked = scored.length + refused.length;
  const lines =
    host === ''
      ? [`${container} is nowhere: refused ${at}, no host of ${asked} fits`]
      : [`${container} is on ${host}: chosen ${at} by ${strategy}, of ${scored.length} that fit among ${asked} host(s)`];
  if (scored.length > 0) {
    const rows = scored.map((one) => [
      one.host,
      String(one.score),
      ...FIGURES.map(([name, , isShare]) => {
        const value = one.figures[name];
        return value === undefined ? '-' : isShare ? `${Math.round(value * 100)}%` : String(value);
      }),
    ]);
    lines.push('', table(['FITS', 'SCORE', ...FIGURES.map(([, heading]) => heading)], rows));
    lines.push('(CPU, MEMORY: live load then. +CPU, +MEMORY: charged for containers placed just before)');
  }
  if (refused.length > 0) {
    const rows = refused.map((one) => [one.host, one.rule, one.why]);
    lines.push('', table(['REFUSED', 'RULE', 'WHY'], rows));
  }
  return lines.join('\n');
}

export function addressesText(networks: readonly NetworkReport[]): string {
  const rows = networks
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((network) => {
      const leases = network.leases.toSorted((a, b) => toNumber(a.ip) - toNumber(b.ip));
      if (leases.length === 0) return [[network.name, network.cidr, '-', '', '', '', '']];
      return leases.map((lease) => [network.name, network.cidr, lease.ip, lease.kind, lease.owner, lease.host, lease.state]);
    });
  return table(['NETWORK', 'SUBNET', 'ADDRESS', 'KIND', 'OWNER', 'HOST', 'STATE'], rows);
}

const toNumber = (ip: string): number => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

export interface NameReport {
  /** Without `.service.consul`. */
  readonly name: string;
  readonly addresses: readonly string[];
  readonly hosts: readonly string[];
  readonly ready: number;
  readonly instances: number;
  /** Made by hand, for what runs elsewhere. */
  readonly records?: readonly OutsideEntry[];
}

/** Services, then their instances, under the names that DNS answers; and names made by hand. */
export function nameReports(instances: readonly NamedInstance[], outside: readonly OutsideName[]): readonly NameReport[] {
  const names = new Map<string, NamedInstance[]>();
  for (const instance of instances)
    for (const name of [`${instance.service}.${instance.deployment}`, instance.id]) names.set(name, [...(names.get(name) ?? []), instance]);
  const made = outside.map(({ name, entries }): NameReport => {
    const addresses = entries.filter(({ type }) => type === 'A' || type === 'AAAA').map(({ value }) => value);
    return { name, addresses, hosts: [], ready: 0, instances: 0, records: entries };
  });
  return [...names]
    .map(
      ([name, all]): NameReport => ({
        name,
        addresses: all.filter((one) => one.ready).flatMap((one) => Object.values(one.addresses).slice(0, 1)),
        hosts: [...new Set(all.map((one) => one.host))].toSorted(),
        ready: all.filter((one) => one.ready).length,
        instances: all.length,
      }),
    )
    .concat(made)
    .toSorted((a, b) => (sortKey(a.name) < sortKey(b.name) ? -1 : 1));
}

/** `pricing.abc` before `1.pricing.abc`. */
function sortKey(name: string): string {
  const [, number, rest] = /^(?:(\d+)\.)?(.*)$/.exec(name) ?? [];
  return `${(rest ?? '').split('.').toReversed().join('.')} ${(number ?? '').padStart(8, '0')}`;
}

export function namesText(names: readonly NameReport[]): string {
  return table(
    ['NAME', 'READY', 'HOST', 'ADDRESS'],
    names.flatMap((one) =>
      one.records === undefined
        ? [
            [
              `${one.name}.service.consul`,
              `${one.ready}/${one.instances}`,
              one.hosts.join(','),
              one.addresses.length === 0 ? '-' : one.addresses.join(','),
            ],
          ]
        : one.records.map(({ type, value }) => [`${one.name}.service.consul`, '-', 'outside', `${type} ${value}`]),
    ),
  );
}

/** `2026-11-20T14:00:00Z h1 container start abc-web-1 (image=web:1)`. */
export function eventText(event: EngineEvent): string {
  const { Type, Action, Actor, time } = event;
  const attributes = Actor.Attributes;
  const host = attributes['node.name'] ?? '';
  const known = ['image', 'exitCode', 'signal', 'container'].filter((name) => attributes[name] !== undefined);
  const rest = known.map((name) => `${name}=${attributes[name]}`).join(', ');
  const at = new Date((time ?? 0) * 1000).toISOString().replace(/\..*/, 'Z');
  const what = attributes['name'] ?? Actor.ID.slice(0, 12);
  return [at, host, Type, Action, what, rest === '' ? '' : `(${rest})`].filter((word) => word !== '').join(' ');
}
