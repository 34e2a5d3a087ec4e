/** The names that the cluster's DNS answers, as data. Pure. */
import { answering, dnsLabel, dnsName, type NamedInstance, type OutsideEntry, type OutsideName } from '../../model/index.ts';

/** One name that DNS answers: a service, an instance, or a record that an operator added. */
export interface NameReport {
  /** Without `.service.consul`. */
  readonly name: string;
  readonly addresses: readonly string[];
  readonly hosts: readonly string[];
  /** How many instances are ready. */
  readonly ready: number;
  readonly instances: number;
  /** Records that an operator added, for what runs elsewhere. */
  readonly records?: readonly OutsideEntry[];
}

/** Services, then their instances, under the names that DNS answers; and names that operators added. */
export function nameReports(instances: readonly NamedInstance[], outside: readonly OutsideName[]): readonly NameReport[] {
  const names = new Map<string, NamedInstance[]>();
  for (const instance of instances)
    for (const name of [`${dnsName(instance.service)}.${dnsLabel(instance.deployment)}`, instance.id])
      names.set(name, [...(names.get(name) ?? []), instance]);
  const made = outside.map(({ name, entries }): NameReport => {
    const addresses = entries.filter(({ type }) => type === 'A' || type === 'AAAA').map(({ value }) => value);
    return { name, addresses, hosts: [], ready: 0, instances: 0, records: entries };
  });
  return [...names]
    .map(
      ([name, all]): NameReport => ({
        name,
        addresses: answering(all, all[0]?.id === name).flatMap((one) => Object.values(one.addresses).slice(0, 1)),
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
