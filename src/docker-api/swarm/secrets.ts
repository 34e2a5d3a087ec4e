/** Secrets and configs, as a swarm's manager answers for them. */
import { ArpanetError, type Json, type SecretFile, type SecretKind, type SecretRecord } from '../../model/index.ts';
import { readSwarmJson } from '../json/body.ts';
import { type Exchange, send, sendJson } from '../request-context.ts';
import { sendJsonList } from '../proxy/json-list.ts';
import { fenced } from '../../telemetry/left-out.ts';
import { listOf } from '../reads/listed.ts';
import { removeUnreadableToo } from '../reads/unreadable.ts';
import { parseFilters } from '../reads/filters.ts';
import { objectVersion } from '../json/go-values.ts';
import { oneMeant } from './references.ts';
import type { KeptReference, ServiceSpec } from './types.ts';

const NAME = /^[a-zA-Z0-9]+(?:[a-zA-Z0-9-_.]*[a-zA-Z0-9])?$/;
/** swarmkit api/validation/secrets.go and manager/controlapi/config.go. */
const LIMIT_BYTES = { secret: 512_000, config: 1_024_000 } as const;

interface KeptSpec extends Json {
  readonly Name?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly Data?: string;
  readonly Driver?: { readonly Name?: string } | null;
  readonly Templating?: { readonly Name?: string } | null;
}

const kindOf = (call: Exchange): SecretKind => (call.route.path.startsWith('/secrets') ? 'secret' : 'config');

/** Full id, name, unique id prefix. Throws `not-found`; `invalid` for a prefix of several. */
function keptAt(call: Exchange, kind: SecretKind, reference: string): SecretRecord {
  const found = oneMeant(kind, reference, call.cluster.secrets.list(kind), (record) => record);
  if (found === undefined) throw new ArpanetError('not-found', `${kind} ${reference} not found`);
  return found;
}

const at = (call: Exchange): SecretRecord => keptAt(call, kindOf(call), call.params['id'] ?? '');

/** A secret's data is never shown. */
const show = ({ kind, id, name, labels, data, version, createdAtMs, updatedAtMs }: SecretRecord): Json => ({
  ID: id,
  Version: { Index: version },
  CreatedAt: new Date(createdAtMs).toISOString(),
  UpdatedAt: new Date(updatedAtMs).toISOString(),
  Spec: { Name: name, Labels: labels, ...(kind === 'config' ? { Data: data } : {}) },
});

const readSpec = (call: Exchange): Promise<KeptSpec> =>
  readSwarmJson<KeptSpec>(call, kindOf(call) === 'secret' ? 'swarm.SecretSpec' : 'swarm.ConfigSpec');

export async function keptList(call: Exchange): Promise<void> {
  const filters = parseFilters(call.query.get('filters')).only('id', 'label', 'name', 'names');
  const kind = kindOf(call);
  const shown = fenced(
    listOf(kind),
    call.cluster.secrets.list(kind),
    ({ name }) => name,
    (record) => {
      const { id, name, labels } = record;
      const isChosen =
        filters.fuzzy('id', id) && filters.labels('label', labels) && filters.fuzzy('name', name) && filters.exact('names', name);
      return isChosen ? [show(record)] : [];
    },
  );
  await sendJsonList(call, shown);
}

export async function keptInspect(call: Exchange): Promise<void> {
  sendJson(call, 200, show(at(call)));
  await Promise.resolve();
}

export async function keptCreate(call: Exchange): Promise<void> {
  const kind = kindOf(call);
  const { Name: name = '', Labels, Data: data = '', Driver, Templating } = await readSpec(call);
  const invalid = (why: string) => new ArpanetError('invalid', `rpc error: code = InvalidArgument desc = ${why}`);
  if (name === '') throw invalid('name must be provided');
  if (name.length > 64 || !NAME.test(name))
    throw invalid('invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end character must be [a-zA-Z0-9]');
  if (Driver?.Name || Templating?.Name)
    throw new ArpanetError('unsupported', `a ${kind} from a driver or template is not supported by arpanet: give its data`);
  if (Driver != null) throw invalid(`${kind} driver must have a name`);
  const bytes = Buffer.byteLength(data, 'base64');
  if (bytes === 0 || bytes >= LIMIT_BYTES[kind])
    throw invalid(`${kind} data must be larger than 0 and less than ${LIMIT_BYTES[kind]} bytes`);
  const { id } = await call.cluster.secrets.create(kind, { name, labels: Labels ?? {}, data });
  sendJson(call, 201, { ID: id });
}

export async function keptUpdate(call: Exchange): Promise<void> {
  const record = at(call);
  const { Name = '', Labels, Data } = await readSpec(call);
  if (Name !== record.name || (Data !== undefined && Data !== '' && Data !== record.data))
    throw new ArpanetError('invalid', `rpc error: code = InvalidArgument desc = only updates to Labels are allowed`);
  await call.cluster.secrets.relabel(record, Labels ?? {}, objectVersion(call.query, record.kind));
  send(call, { status: 200 });
}

export async function keptRemove(call: Exchange): Promise<void> {
  const reference = call.params['id'] ?? '';
  await removeUnreadableToo(call, kindOf(call), reference, async () => {
    await call.cluster.secrets.remove(at(call));
  });
  send(call, { status: 204 });
}

/** The files of a service's instances. Throws `not-found` for what is not kept. */
export function filesFor(call: Exchange, spec: ServiceSpec): readonly SecretFile[] {
  const { Secrets, Configs } = spec.TaskTemplate?.ContainerSpec ?? {};
  const file = (kind: SecretKind, { File, SecretID, ConfigID, SecretName, ConfigName }: KeptReference): SecretFile => {
    const { id, name } = keptAt(call, kind, SecretID ?? ConfigID ?? SecretName ?? ConfigName ?? '');
    const target = File?.Name || name;
    const path = target.startsWith('/') ? target : `${kind === 'secret' ? '/run/secrets/' : '/'}${target}`;
    return { kind, id, path, uid: numberIn(File?.UID), gid: numberIn(File?.GID), mode: File?.Mode ?? 0o444 };
  };
  return [...(Secrets ?? []).map((one) => file('secret', one)), ...(Configs ?? []).map((one) => file('config', one))];
}

function numberIn(text = '0'): number {
  if (!/^\d{1,9}$/.test(text || '0')) throw new ArpanetError('invalid', `"${text}" is no user or group number`);
  return Number(text || '0');
}
