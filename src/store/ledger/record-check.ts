/**
 * Whether the value of a key of the store can be read as what its key promises. One record that cannot is set aside, and costs itself
 * alone. Pure.
 */
import { checkValue, compileGoTypes, depthProblem, type GoType } from '../../docker-json/index.ts';
import { keys } from '../../model/index.ts';
import { faultOf, recordContents } from '../../schemas/index.ts';
import { RECORD_TYPES } from './record-types.ts';

const compiled = compileGoTypes(RECORD_TYPES);
const isStrict = (struct: string): boolean => struct.startsWith('record.');

type Fields = Readonly<Record<string, unknown>>;
const text = (fields: Fields, name: string): string => String(fields[name]);

/** What each key begins with, the type of what it holds, and the key that its value belongs to. */
const KINDS: readonly (readonly [prefix: string, struct: string, keyOf: (fields: Fields) => string])[] = [
  [keys.hosts, 'record.Host', (host) => keys.host(text(host, 'name'))],
  [keys.admissions, 'record.Admission', (admission) => keys.admission(text(admission, 'name'))],
  [keys.certificates, 'record.Certificate', (certificate) => keys.certificate(text(certificate, 'host'))],
  [keys.passes, 'record.Pass', (pass) => keys.pass(text(pass, 'digest'))],
  [keys.machines, 'record.Machine', (machine) => keys.machine(text(machine, 'host'))],
  [keys.migrations, 'record.Migration', (move) => keys.migration(text(move, 'deployment'), text(move, 'service'))],
  [keys.networks, 'record.Network', (network) => keys.network(text(network, 'id'))],
  [keys.subnets, 'record.Subnet', (subnet) => keys.subnet(text(subnet, 'cidr'))],
  [keys.leases, 'record.Lease', (lease) => keys.lease(text(lease, 'network'), text(lease, 'ip'))],
  [keys.containers, 'record.Container', (container) => keys.container(text(container, 'name'))],
  [keys.lost, 'record.Lost', (note) => keys.lostContainer(text(note, 'id'))],
  [keys.services, 'record.Service', (service) => keys.service(text(service, 'deployment'), text(service, 'service'))],
  [keys.secretsOf('secret'), 'record.Secret', (secret) => keys.secret('secret', text(secret, 'id'))],
  [keys.secretsOf('config'), 'record.Secret', (config) => keys.secret('config', text(config, 'id'))],
  [keys.deployments, 'record.Deployment', (deployment) => keys.deployment(text(deployment, 'name'))],
  [keys.users, 'record.User', (user) => keys.user(text(user, 'name'))],
  [keys.policies, 'record.Policy', (policy) => keys.policy(text(policy, 'role'))],
  [keys.tags, 'record.Tag', (tag) => keys.tag(text(tag, 'tag'))],
  [keys.volumes, 'record.Volume', (volume) => keys.volume(text(volume, 'name'))],
  [keys.records, 'record.OutsideName', (name) => keys.record(text(name, 'name'))],
];

const byPrefix = KINDS.map(([prefix, struct, keyOf]) => ({ prefix, type: typeOf(struct), contents: recordContents[struct], keyOf }));

function typeOf(struct: string): GoType {
  const type = compiled.get(struct);
  if (type === undefined) throw new Error(`no such record: ${struct}`);
  return type;
}

/** Why the value cannot be read as what its key promises; undefined: it can, or the key promises nothing. */
export function recordProblem(key: string, value: unknown): string | undefined {
  if (key.startsWith(keys.settings)) return typeof value === 'string' ? undefined : 'is no text';
  const kind = byPrefix.find(({ prefix }) => key.startsWith(prefix));
  if (kind === undefined) return undefined;
  const problem =
    depthProblem(value) ??
    checkValue(value, kind.type, isStrict) ??
    (kind.contents === undefined ? undefined : faultOf(kind.contents, value));
  if (problem !== undefined) return problem;
  const own = kind.keyOf(value as Fields);
  return own === key ? undefined : `is the record of ${own}`;
}
