/** The services API: services, tasks, nodes, the swarm; on the same objects as compose and `docker run`. */
import { ArpanetError, type HostRecord, type HostView, type Json, type ServiceView, type UpdateSettings } from '../../model/index.ts';
import { type GoStruct, parseJson, readBody, readJson } from '../json/body.ts';
import { type Exchange, send, sendJson } from '../request-context.ts';
import { isComposeV1 } from '../guards.ts';
import { parseFilters } from '../reads/filters.ts';
import { boolValue } from '../json/go-values.ts';
import { facadeOf, init, join, leave, NO_SWARM, update } from './facade.ts';
import { ids } from './ids.ts';
import { serviceName, showNode, showService, showSwarm, showTasks, specOf } from './show.ts';
import { idOf, patched, refuseMeaningless, requestOf, settingsOf, settled, warningsOf } from './spec.ts';
import type { ServiceSpec } from './types.ts';
import { filesFor } from './secrets.ts';

/** The CLI takes a service for converged while its last old instance is still leaving. */
const PATIENCE_MS = 15_000;
const quiet = (): void => undefined;

/** Full id, `abc_web`, `abc/web`, unique id prefix. Throws `not-found`. */
export function serviceAt(call: Exchange, reference: string): ServiceView {
  const all = call.cluster.services.list();
  const idFor = (view: ServiceView) => ids.service(view.deployment, view.service);
  const exact = all.find((view) => idFor(view) === reference) ?? all.find((view) => serviceName(view) === reference);
  if (exact !== undefined) return exact;
  const byPrefix = reference === '' ? [] : all.filter((view) => idFor(view).startsWith(reference));
  if (byPrefix.length === 1 && byPrefix[0] !== undefined) return byPrefix[0];
  try {
    return call.cluster.services.find(reference);
  } catch (cause) {
    throw new ArpanetError('not-found', `service ${reference} not found`, { cause });
  }
}

const keyOf = (view: ServiceView): string => `${view.deployment}/${view.service}`;

export async function serviceList(call: Exchange): Promise<void> {
  const filters = parseFilters(call.query.get('filters')).only('id', 'label', 'mode', 'name', 'runtime');
  const withStatus = boolValue(call.query.get('status'));
  const shown = call.cluster.services
    .list()
    .filter(
      (view) =>
        filters.fuzzy('id', ids.service(view.deployment, view.service)) &&
        filters.fuzzy('name', serviceName(view)) &&
        filters.exact('mode', view.record?.isGlobal === true ? 'global' : 'replicated') &&
        filters.labels('label', labelsOf(view)),
    );
  sendJson(
    call,
    200,
    shown.map((view) => showService(view, ids, { withStatus })),
  );
  await Promise.resolve();
}

const labelsOf = (view: ServiceView): Readonly<Record<string, string>> => specOf(view).Labels ?? {};

export async function serviceInspect(call: Exchange): Promise<void> {
  const withDefaults = boolValue(call.query.get('insertDefaults'));
  sendJson(call, 200, showService(serviceAt(call, call.params['id'] ?? ''), ids, { withDefaults }));
  await Promise.resolve();
}

const SERVICE: GoStruct = { name: 'swarm.ServiceSpec', fields: { Name: 'string', Labels: 'map[string]string', TaskTemplate: 'struct' } };
const NODE: GoStruct = {
  name: 'swarm.NodeSpec',
  fields: { Name: 'string', Availability: 'string', Role: 'string', Labels: 'map[string]string' },
};

async function readSpec(call: Exchange): Promise<ServiceSpec> {
  const spec = parseJson<ServiceSpec>(await readBody(call.req, call.bodyLimitBytes), call.req.headers['content-type'], SERVICE);
  return asKept(call, spec);
}

/** Networks that nobody knows, and those of a host, stay as they are called. */
function asKept({ cluster }: Exchange, spec: ServiceSpec): ServiceSpec {
  const networks = cluster.networks.list();
  return settled(spec, (reference) => networks.find(({ record }) => record.name === reference)?.record.id ?? reference);
}

/** One on every host has no start before the stop: the host is taken until then. */
const updateOf = (spec: ServiceSpec, base?: UpdateSettings): UpdateSettings => ({
  ...settingsOf(spec.UpdateConfig, base),
  ...(spec.Mode?.Global == null ? {} : { order: 'stop-first' as const }),
});

/** `--with-registry-auth`. */
const authOf = ({ req }: Exchange): string | undefined => {
  const { 'x-registry-auth': auth } = req.headers;
  return typeof auth === 'string' && auth !== '' ? auth : undefined;
};

export async function serviceCreate(call: Exchange): Promise<void> {
  const spec = await readSpec(call);
  refuseMeaningless(spec);
  const id = idOf(spec);
  const stem = id.deployment === 'default' ? id.service : `${id.deployment}-${id.service}`;
  await call.cluster.services.create(
    {
      ...id,
      desired: spec.Mode?.Replicated?.Replicas ?? 1,
      ...(spec.Mode?.Global == null ? {} : { isGlobal: true }),
      template: { name: `${stem}-1`, number: 1, request: requestOf(spec, id, filesFor(call, spec)) },
      update: updateOf(spec),
      labels: spec.Labels ?? {},
      spec,
    },
    authOf(call),
  );
  sendJson(call, 201, { ID: ids.service(id.deployment, id.service), Warnings: warningsOf(spec) });
}

export async function serviceUpdate(call: Exchange): Promise<void> {
  const services = call.cluster.services;
  const view = serviceAt(call, call.params['id'] ?? '');
  const spec = await readSpec(call);
  if (call.query.get('rollback') === 'previous') {
    await services.rollback(keyOf(view), quiet, PATIENCE_MS);
    return sendJson(call, 200, { Warnings: null });
  }
  refuseMeaningless(spec);
  if (spec.Name !== serviceName(view)) throw new ArpanetError('unsupported', 'renaming services is not supported');
  if ((spec.Mode?.Global != null) !== (view.record?.isGlobal === true))
    throw new ArpanetError('unsupported', 'service mode change is not allowed: remove the service and create it anew');
  const { template } = view;
  const wanted = requestOf(spec, view, filesFor(call, spec));
  // What compose sent may say more than a spec can: only what the client changed is changed.
  const request =
    template === undefined || view.record?.origin === 'api'
      ? wanted
      : patched(template.request, requestOf(asKept(call, specOf(view)), view), wanted);
  const version = Number(call.query.get('version'));
  if (!Number.isInteger(version) || version < 1)
    throw new ArpanetError(
      'invalid',
      `invalid service version '${call.query.get('version') ?? ''}': it is the Version.Index that was read`,
    );
  await services.update(
    keyOf(view),
    {
      template: { name: template?.name ?? `${view.deployment}-${view.service}-1`, number: template?.number ?? 1, request },
      desired: spec.Mode?.Replicated?.Replicas ?? view.desired,
      update: updateOf(spec, view.record?.update),
      labels: spec.Labels ?? {},
      ...(view.record?.origin === 'api' ? { spec } : {}),
      version,
      registryAuth: authOf(call),
      patienceMs: PATIENCE_MS,
    },
    quiet,
  );
  sendJson(call, 200, { Warnings: warningsOf(spec).length === 0 ? null : warningsOf(spec) });
}

export async function serviceRemove(call: Exchange): Promise<void> {
  await call.cluster.services.remove([keyOf(serviceAt(call, call.params['id'] ?? ''))], quiet, PATIENCE_MS);
  sendJson(call, 200, {});
}

interface Task extends Json {
  readonly ID: string;
  readonly NodeID?: string;
  readonly DesiredState: string;
  readonly Status: { readonly ContainerStatus?: { readonly ContainerID: string } };
}

const tasksOf = (view: ServiceView): readonly Task[] => showTasks(view, ids) as readonly Task[];

export async function taskList(call: Exchange): Promise<void> {
  const filters = parseFilters(call.query.get('filters')).only(
    'id',
    'label',
    'name',
    'node',
    'service',
    'desired-state',
    '_up-to-date',
    'runtime',
  );
  const wantedServices = filters.get('service').map((reference) => keyOf(serviceAt(call, reference)));
  const wantedNodes = filters.get('node').map((reference) => ids.node(hostAt(call, reference).name));
  const isCurrentOnly = filters.bool('_up-to-date') === true;
  const tasks = call.cluster.services
    .list()
    .filter((view) => wantedServices.length === 0 || wantedServices.includes(keyOf(view)))
    .filter((view) => filters.labels('label', labelsOf(view)) && filters.fuzzy('name', serviceName(view)))
    .flatMap((view) =>
      tasksOf(view).filter((task) => !isCurrentOnly || !view.outdated.includes(task.Status.ContainerStatus?.ContainerID ?? '')),
    )
    .filter((task) => filters.fuzzy('id', task.ID) && filters.exact('desired-state', task.DesiredState))
    .filter((task) => wantedNodes.length === 0 || wantedNodes.includes(task.NodeID ?? ''));
  sendJson(call, 200, tasks);
  await Promise.resolve();
}

/** Throws `not-found`. */
export function taskAt(call: Exchange, reference: string): { readonly task: Task; readonly view: ServiceView } {
  const all = call.cluster.services.list().flatMap((view) => tasksOf(view).map((task) => ({ task, view })));
  const found = all.find(({ task }) => task.ID === reference) ?? all.find(({ task }) => reference !== '' && task.ID.startsWith(reference));
  if (found === undefined) throw new ArpanetError('not-found', `task ${reference} not found`);
  return found;
}

export async function taskInspect(call: Exchange): Promise<void> {
  sendJson(call, 200, taskAt(call, call.params['id'] ?? '').task);
  await Promise.resolve();
}

/** Id, name, unique id prefix. Throws `not-found`. */
function hostAt(call: Exchange, reference: string): HostView {
  const hosts = call.cluster.hosts.list();
  const found =
    hosts.find((host) => ids.node(host.name) === reference || host.name === reference) ??
    hosts.find((host) => reference !== '' && ids.node(host.name).startsWith(reference));
  if (found === undefined) throw new ArpanetError('not-found', `node ${reference} not found`);
  return found;
}

export async function nodeList(call: Exchange): Promise<void> {
  if (isComposeV1(call.req.headers)) throw new ArpanetError('unavailable', NO_SWARM);
  const filters = parseFilters(call.query.get('filters')).only('id', 'label', 'node.label', 'membership', 'name', 'role');
  const nodes = call.cluster.hosts
    .list()
    .filter((host) => filters.fuzzy('id', ids.node(host.name)) && filters.fuzzy('name', host.name))
    .filter(() => filters.exact('role', 'worker') && filters.exact('membership', 'accepted'))
    .filter(({ record }) => filters.labels('label', record.labels) && filters.labels('node.label', record.labels));
  sendJson(
    call,
    200,
    nodes.map((host) => showNode(host, ids)),
  );
  await Promise.resolve();
}

export async function nodeInspect(call: Exchange): Promise<void> {
  sendJson(call, 200, showNode(hostAt(call, call.params['id'] ?? ''), ids));
  await Promise.resolve();
}

interface NodeSpec extends Json {
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly Role?: string;
  readonly Availability?: string;
}

const isAvailability = (text: string): text is HostRecord['availability'] => text === 'active' || text === 'pause' || text === 'drain';

export async function nodeUpdate(call: Exchange): Promise<void> {
  const host = hostAt(call, call.params['id'] ?? '');
  const spec = parseJson<NodeSpec>(await readBody(call.req, call.bodyLimitBytes), call.req.headers['content-type'], NODE);
  const { Availability = host.record.availability, Labels, Role = 'worker' } = spec;
  if (Role !== 'worker')
    throw new ArpanetError('unsupported', `a host cannot become a ${Role}: schedulers are started beside them ("arpanet scheduler")`);
  if (!isAvailability(Availability))
    throw new ArpanetError('invalid', `invalid availability "${Availability}": it is active, pause or drain`);
  const labels = Labels == null ? undefined : changedLabels(host.record.labels, Labels);
  if (labels !== undefined && Object.keys(labels).length > 0) await call.cluster.hosts.update(host.name, { labels });
  if (Availability === 'drain' && host.record.availability !== 'drain') await beginDrain(call, host.name);
  else if (Availability !== host.record.availability) await call.cluster.hosts.update(host.name, { availability: Availability });
  sendJson(call, 200, {});
}

export async function nodeRemove(call: Exchange): Promise<void> {
  const { name } = hostAt(call, call.params['id'] ?? '');
  await Promise.resolve();
  throw new ArpanetError('unsupported', `a host leaves by "arpanet hosts rm ${name}", once it is drained`);
}

function changedLabels(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): Record<string, string | null> {
  const gone = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  return Object.fromEntries([
    ...gone.map((name) => [name, null] as const),
    ...Object.entries(after).filter(([name, value]) => before[name] !== value),
  ]);
}

/** Answers once the host takes nothing new; what runs there moves meanwhile, and what cannot is in the log. */
async function beginDrain(call: Exchange, host: string): Promise<void> {
  const { log } = call;
  await new Promise<void>((resolve, reject) => {
    const said = (line: string): void => {
      log.info({ host, line }, 'drain');
      resolve();
    };
    call.cluster.services.drain(host, said).then(() => resolve(), reject);
  });
}

export async function swarmInspect(call: Exchange): Promise<void> {
  sendJson(call, 200, showSwarm(call.cluster.leader.about().clusterId, ids, facadeOf(call.cluster)));
  await Promise.resolve();
}

interface InitRequest extends Json {
  readonly Spec?: Json | null;
  readonly DefaultAddrPool?: readonly string[] | null;
  readonly SubnetSize?: number;
}

const INIT: GoStruct = { name: 'swarm.InitRequest', fields: { Spec: 'struct' } };
const SWARM: GoStruct = { name: 'swarm.Spec', fields: { Name: 'string' } };

export async function swarmInit(call: Exchange): Promise<void> {
  const { Spec, DefaultAddrPool, SubnetSize } = await readJson<InitRequest>(call, INIT);
  init(call.cluster, Spec ?? {}, { ranges: DefaultAddrPool ?? [], subnetSize: SubnetSize ?? 0 });
  sendJson(call, 200, ids.node(call.cluster.hosts.list()[0]?.name ?? ''));
}

export async function swarmLeave(call: Exchange): Promise<void> {
  leave(call.cluster, boolValue(call.query.get('force')));
  send(call, { status: 200 });
  await Promise.resolve();
}

export async function swarmJoin({ cluster }: Exchange): Promise<void> {
  await Promise.resolve();
  join(cluster);
}

/** Nothing is locked. */
export async function swarmUnlockKey(call: Exchange): Promise<void> {
  sendJson(call, 200, { UnlockKey: '' });
  await Promise.resolve();
}

export async function swarmUpdate(call: Exchange): Promise<void> {
  const spec = await readJson<Json>(call, SWARM);
  const rotate = (name: string) => boolValue(call.query.get(name));
  const rotated = { worker: rotate('rotateWorkerToken'), manager: rotate('rotateManagerToken') };
  update(call.cluster, Number(call.query.get('version')), spec, rotated);
  send(call, { status: 200 });
}
