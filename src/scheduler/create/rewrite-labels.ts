/** What we write on a container so that its record can be made again from its Engine alone. Pure. */
import { labels, type ContainerRecord, type NetworkRecord } from '../../model/index.ts';
import type { Identity, WantedNetwork } from './identify.ts';

/** The part of a ContainerRecord that only we know. The name is the Engine's to tell: it may be renamed. */
export type LabelledRecord = Pick<ContainerRecord, 'deployment' | 'service' | 'number' | 'addresses' | 'aliases' | 'links'>;

export function labelledRecord(
  identity: Identity,
  networks: readonly { readonly record: NetworkRecord; readonly ip: string; readonly wanted: WantedNetwork }[],
): LabelledRecord {
  return {
    deployment: identity.deployment,
    service: identity.service,
    number: identity.number,
    addresses: Object.fromEntries(networks.map(({ record, ip }) => [record.id, ip])),
    aliases: Object.fromEntries(networks.map(({ record, wanted }) => [record.id, wanted.aliases])),
    links: identity.links,
  };
}

export function recordLabelsOf(input: {
  readonly identity: Identity;
  readonly networks: Parameters<typeof labelledRecord>[1];
  readonly packed?: string;
}): Readonly<Record<string, string>> {
  const record = labelledRecord(input.identity, input.networks);
  return {
    [labels.instance]: `${record.number}.${record.service}.${record.deployment}`,
    [labels.record]: JSON.stringify(record),
    ...(input.packed === undefined ? {} : { [labels.request]: input.packed }),
  };
}

/** Reads the labels back; undefined when they are not ours or not whole. */
export function recordFromLabels(given: Readonly<Record<string, string>>): LabelledRecord | undefined {
  try {
    const value: unknown = JSON.parse(given[labels.record] ?? '');
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is LabelledRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { deployment, service, number, addresses, aliases, links } = value as Partial<Record<keyof LabelledRecord, unknown>>;
  const isMap = (candidate: unknown) => typeof candidate === 'object' && candidate !== null;
  return (
    typeof deployment === 'string' &&
    typeof service === 'string' &&
    Number.isInteger(number) &&
    isMap(addresses) &&
    isMap(aliases) &&
    Array.isArray(links)
  );
}
