/** What we write on a container so that its record can be made again from its Engine alone. Pure. */
import { labels, type LabelledRecord, type NetworkRecord } from '../../model/index.ts';
import { accepts, labelledRecord, parseJson } from '../../schemas/index.ts';
import type { Identity, WantedNetwork } from './identify.ts';

export interface RecordLabelsInput {
  readonly identity: Identity;
  readonly networks: readonly { readonly record: NetworkRecord; readonly ip: string | undefined; readonly wanted: WantedNetwork }[];
  /** Of the record, as the name. */
  readonly nonce: string;
  readonly name: string;
  /** Names of the labels that the client sent. */
  readonly labelNames: readonly string[];
  /** The request as a label's value; empty: it is too large. */
  readonly packed: string;
  /** The MAC over the labels given. */
  readonly sign: (given: Readonly<Record<string, string>>) => string;
}

/** All of them are written always, so that an image's label of the same name never counts. */
export function recordLabelsOf(input: RecordLabelsInput): Readonly<Record<string, string>> {
  const { identity, networks, name, nonce, labelNames, packed } = input;
  const record: LabelledRecord = {
    name,
    deployment: identity.deployment,
    service: identity.service,
    number: identity.number,
    addresses: Object.fromEntries(networks.flatMap(({ record: { id }, ip }) => (ip === undefined ? [] : [[id, ip] as const]))),
    aliases: Object.fromEntries(networks.map(({ record: { id }, wanted }) => [id, wanted.aliases])),
    links: identity.links,
    nonce,
    ...(packed === '' ? { labelNames } : {}),
  };
  const given = {
    [labels.instance]: `${record.number}.${record.service}.${record.deployment}`,
    [labels.record]: JSON.stringify(record),
    [labels.request]: packed,
  };
  return { ...given, [labels.mac]: input.sign(given) };
}

/** Reads the labels back, and checks nothing but their form; undefined when they are not whole. */
export function recordFromLabels(given: Readonly<Record<string, string>>): LabelledRecord | undefined {
  try {
    const value = parseJson(given[labels.record] ?? '');
    return accepts(labelledRecord, value) ? value : undefined;
  } catch {
    return undefined;
  }
}
