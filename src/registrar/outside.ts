/** Manual DNS records, for services outside the cluster: `outside.abc A 192.0.2.7`. Which are valid, and which conflict. Pure. */
import { ArpanetError, dnsLabel, type NamedInstance, type OutsideEntry, type OutsideName, type OutsideType } from '../model/index.ts';
import { parseAddress } from '../text/ipv4.ts';
import { canonicalIpv6 } from '../text/ipv6.ts';

const FORMS: Readonly<Record<OutsideType, string>> = {
  A: 'an IPv4 address, such as 192.0.2.7',
  AAAA: 'an IPv6 address, such as 2001:db8::7',
  CNAME: 'a host name, such as api.example.com',
  SRV: 'PRIORITY WEIGHT PORT TARGET, such as "10 5 5432 db.example.com"',
  TXT: 'a text of 1 to 255 bytes',
};
const TYPES = Object.keys(FORMS) as readonly OutsideType[];

const refused = (message: string) => new ArpanetError('invalid', message);

/** `Outside.abc`, or `outside.abc.service.consul`, as `outside.abc`. Throws `invalid`. */
export function outsideName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/\.service\.consul$/, '');
  if (!isHostName(name)) throw refused(`"${text}" is no DNS name: use labels of 1 to 63 characters (a-z, 0-9, - and _), separated by dots`);
  if (!name.includes('.'))
    throw refused(`"${text}" has no deployment: use ${name}.DEPLOYMENT, such as ${name}.abc for the name ${name} in deployment abc`);
  if (name.length > 200) throw refused(`"${text}" is longer than 200 characters`);
  return name;
}

/** The record as it is stored. Throws `invalid`, with what is allowed. */
export function outsideEntry(type: string, value: string): OutsideEntry {
  const recordType = TYPES.find((known) => known === type.toUpperCase());
  if (recordType === undefined) throw refused(`unknown record type "${type}": use one of ${TYPES.join(', ')}`);
  const canonical = READERS[recordType](value.trim());
  if (canonical === undefined) throw refused(`invalid value "${value}" for a record of type ${recordType}: use ${FORMS[recordType]}`);
  return { type: recordType, value: canonical };
}

const READERS: Readonly<Record<OutsideType, (text: string) => string | undefined>> = {
  A: (text) => (parseAddress(text) === undefined ? undefined : text),
  AAAA: canonicalIpv6,
  CNAME: target,
  SRV(text) {
    const [, priority = '', weight = '', port = '', host = ''] = /^(\d{1,5})\s+(\d{1,5})\s+(\d{1,5})\s+(\S+)$/.exec(text) ?? [];
    const to = target(host);
    const numbers = [priority, weight, port].map(Number);
    return to === undefined || numbers.some((number) => number > 65_535) ? undefined : [...numbers, to].join(' ');
  },
  TXT: (text) => (text !== '' && new TextEncoder().encode(text).length <= 255 ? text : undefined),
};

function target(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, '');
  return isHostName(name) && !/^[\d.]+$/.test(name) ? name : undefined;
}

function isHostName(name: string): boolean {
  const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
  return name.length <= 253 && name.split('.').every((part) => label.test(part));
}

/** `before` with one more entry. Throws `conflict` if it exists already, if a name would have a CNAME and another record (RFC 1034 section 3.6.2), or if an instance has the name. */
export function withEntry(
  name: string,
  before: OutsideName | undefined,
  entry: OutsideEntry,
  instances: readonly NamedInstance[],
): OutsideName {
  const holder = instances.find((instance) => namesOf(instance).includes(name));
  if (holder !== undefined)
    throw new ArpanetError(
      'conflict',
      `${name} is the name of container ${holder.name} of service ${holder.service} in deployment ${holder.deployment}: choose another name`,
    );
  const entries = before?.entries ?? [];
  if (entries.some((other) => other.type === entry.type && other.value === entry.value))
    throw new ArpanetError('conflict', `the record ${name} ${entry.type} ${entry.value} exists already`);
  const conflicting = entries.find(({ type }) => (type === 'CNAME') !== (entry.type === 'CNAME') || entry.type === 'CNAME');
  if (conflicting !== undefined)
    throw new ArpanetError(
      'conflict',
      `${name} has the record ${conflicting.type} ${conflicting.value}, and a name with a CNAME has no other record: remove it first with "arpanet dns rm ${name}"`,
    );
  return { name, entries: [...entries, entry] };
}

/** `before` without the matching entries; undefined: none is left. Throws `not-found` if none matches. */
export function withoutEntries(
  name: string,
  before: OutsideName | undefined,
  type: string | undefined,
  value: string | undefined,
): OutsideName | undefined {
  const wanted = type?.toUpperCase();
  const text = wanted === undefined || value === undefined ? undefined : outsideEntry(wanted, value).value;
  const isMatching = (entry: OutsideEntry) =>
    (wanted === undefined || entry.type === wanted) && (text === undefined || entry.value === text);
  const left = before?.entries.filter((entry) => !isMatching(entry)) ?? [];
  if (before === undefined || left.length === before.entries.length)
    throw new ArpanetError(
      'not-found',
      `no such DNS record: ${[name, wanted, text].filter((word) => word !== undefined).join(' ')}. "arpanet dns ls" lists them`,
    );
  return left.length === 0 ? undefined : { name, entries: left };
}

/** All names of an instance below `service.consul`. */
function namesOf({ service, number, name, aliases, deployment }: NamedInstance): readonly string[] {
  const services = [service.toLowerCase(), dnsLabel(service)];
  const all = [...services, ...services.map((one) => `${number}.${one}`), name, ...Object.values(aliases).flat()];
  return all.map((one) => `${one.toLowerCase()}.${dnsLabel(deployment)}`);
}
