/** Names made by hand for what does not run in the cluster: `outside.abc A 192.0.2.7`. What can be written, and what would clash. Pure. */
import { ArpanetError, type NamedInstance, type OutsideEntry, type OutsideName, type OutsideType } from '../model/index.ts';

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
  if (!isHostName(name)) throw refused(`"${text}" is no name: labels of a-z, 0-9, - and _, parted by dots, each of 1 to 63`);
  if (!name.includes('.'))
    throw refused(`"${text}" says no deployment: write ${name}.DEPLOYMENT, as ${name}.abc for the short name ${name} in deployment abc`);
  if (name.length > 200) throw refused(`"${text}" is too long: 200 letters are the most`);
  return name;
}

/** In the form in which it is kept. Throws `invalid` with what is allowed. */
export function outsideEntry(type: string, value: string): OutsideEntry {
  const known = TYPES.find((one) => one === type.toUpperCase());
  if (known === undefined) throw refused(`there is no record type "${type}": it is one of ${TYPES.join(', ')}`);
  const canonical = READERS[known](value.trim());
  if (canonical === undefined) throw refused(`"${value}" is no value of an ${known} record: it is ${FORMS[known]}`);
  return { type: known, value: canonical };
}

const READERS: Readonly<Record<OutsideType, (text: string) => string | undefined>> = {
  A: (text) => (/^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/.test(text) ? text : undefined),
  AAAA: canonicalSix,
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

/** RFC 5952, by way of the URL parser, which knows all forms. */
function canonicalSix(text: string): string | undefined {
  if (!text.includes(':') || !/^[0-9a-fA-F:.]+$/.test(text) || !URL.canParse(`http://[${text}]/`)) return undefined;
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}

function isHostName(name: string): boolean {
  const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
  return name.length <= 253 && name.split('.').every((one) => label.test(one));
}

/** `before` with one entry more. Throws `conflict` where DNS allows no second one, or an instance has the name. */
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
      `${name} is a name of service ${holder.service} of deployment ${holder.deployment} already (${holder.name}): take another name`,
    );
  const entries = before?.entries ?? [];
  if (entries.some((one) => one.type === entry.type && one.value === entry.value))
    throw new ArpanetError('conflict', `${name} ${entry.type} ${entry.value} is there already`);
  const other = entries.find((one) => (one.type === 'CNAME') !== (entry.type === 'CNAME') || entry.type === 'CNAME');
  if (other !== undefined)
    throw new ArpanetError(
      'conflict',
      `${name} is ${other.type} ${other.value}, and a name with a CNAME has nothing beside it: "arpanet dns rm ${name}" first`,
    );
  return { name, entries: [...entries, entry] };
}

/** `before` without the entries meant; undefined: none is left. Throws `not-found`. */
export function withoutEntries(
  name: string,
  before: OutsideName | undefined,
  type: string | undefined,
  value: string | undefined,
): OutsideName | undefined {
  const wanted = type?.toUpperCase();
  const text = wanted === undefined || value === undefined ? undefined : outsideEntry(wanted, value).value;
  const isMeant = (entry: OutsideEntry) => (wanted === undefined || entry.type === wanted) && (text === undefined || entry.value === text);
  const left = before?.entries.filter((entry) => !isMeant(entry)) ?? [];
  if (before === undefined || left.length === before.entries.length)
    throw new ArpanetError(
      'not-found',
      `there is no record ${[name, wanted, text].filter((word) => word !== undefined).join(' ')} made by hand: "arpanet dns ls" shows those that there are`,
    );
  return left.length === 0 ? undefined : { name, entries: left };
}

/** All that DNS finds an instance by, below `service.consul`. */
function namesOf({ service, number, name, aliases, deployment }: NamedInstance): readonly string[] {
  return [service, `${number}.${service}`, name, ...Object.values(aliases).flat()].map((one) => `${one}.${deployment}`.toLowerCase());
}
