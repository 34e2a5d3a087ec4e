/** The services API (`/services`, `/nodes`, `/swarm`; Docker API v1.24 and later), on the same objects as compose and `docker run`. Messages are moby's and swarmkit's. */
import {
  ArpanetError,
  type CreateRequest,
  type HostRecord,
  type HostView,
  type Json,
  projectOf,
  serviceKey,
  type ServiceId,
  serviceName,
  type ServiceTemplate,
  type ServiceView,
  UPDATE_DEFAULTS,
  type UpdateSettings,
} from '../../model/index.ts';
import { readJson, readSwarmJson } from '../json/body.ts';
import { type Exchange, send, sendJson } from '../request-context.ts';
import { connectionOf } from '../connections.ts';
import { isComposeV1 } from '../guards.ts';
import { sendJsonList } from '../proxy/json-list.ts';
import { fenced } from '../../telemetry/left-out.ts';
import { listOf } from '../reads/listed.ts';
import { removeUnreadableToo } from '../reads/unreadable.ts';
import { parseFilters } from '../reads/filters.ts';
import { predefinedName } from '../../networks/index.ts';
import { boolValue, objectVersion, strictBool } from '../json/go-values.ts';
import { facadeOf, init, join, leave, NO_SWARM, unlock, update } from './facade.ts';
import { ids } from '../../text/swarm-ids.ts';
import { agentPorts, isMeshed, portsTaken, refuseClusterPorts, refuseTaken, withNumbers } from './published.ts';
import { labelsOf, showNode, showService, showSwarm, specOf } from './show.ts';
import { idOf, patched, refuseMeaningless, requestOf, settingsOf, settled, warningsOf, withKnownEndpoints } from './spec.ts';
import type { ServiceSpec } from './types.ts';
import { refuseOutOfRange } from './validate.ts';
import { oneMeant } from './references.ts';
import { countsOf, modeOf, modeOfView } from './mode.ts';
import { filesFor } from './secrets.ts';
import { templateLabels } from './templates.ts';

/** The CLI takes a service for converged while its last old instance is still leaving. */
const PATIENCE_MS = 15_000;
const quiet = (): void => undefined;
/** swarmkit api/defaults/service.go: a rollback that fails pauses. */
const ROLLBACK_DEFAULTS: UpdateSettings = { ...UPDATE_DEFAULTS, onFailure: 'pause' };

/** Full id, `abc_web`, unique id prefix, `abc/web`. Throws `not-found`; `invalid` for a prefix of several. */
export function serviceAt(call: Exchange, reference: string): ServiceView {
  const all = call.cluster.services.list();
  const found = oneMeant('service', reference, all, (view) => ({
    id: ids.service(view.deployment, view.service),
    name: serviceName(view),
  }));
  if (found !== undefined) return found;
  try {
    return call.cluster.services.find(reference);
  } catch (cause) {
    throw new ArpanetError('not-found', `service ${reference} not found`, { cause });
  }
}

export async function serviceList(call: Exchange): Promise<void> {
  const filters = parseFilters(call.query.get('filters')).only('id', 'label', 'mode', 'name', 'runtime');
  const withStatus = strictBool(call.query, 'status');
  const shown = fenced(listOf('service'), call.cluster.services.list(), serviceName, (view) => {
    const isChosen =
      filters.fuzzy('id', ids.service(view.deployment, view.service)) &&
      filters.fuzzy('name', serviceName(view)) &&
      filters.exact('mode', modeOfView(view)) &&
      filters.labels('label', labelsOf(view));
    return isChosen ? [showService(view, ids, { withStatus })] : [];
  });
  await sendJsonList(call, shown);
}

export async function serviceInspect(call: Exchange): Promise<void> {
  const withDefaults = strictBool(call.query, 'insertDefaults');
  sendJson(call, 200, showService(serviceAt(call, call.params['id'] ?? ''), ids, { withDefaults }));
  await Promise.resolve();
}

/** Throws `not-found` for a network that nobody knows (moby daemon/cluster/networks.go, `populateNetworkID`). */
async function readSpec(call: Exchange): Promise<ServiceSpec> {
  const spec = await readSwarmJson<ServiceSpec>(call, 'swarm.ServiceSpec');
  refuseOutOfRange(spec);
  const networks = call.cluster.networks.list();
  return settled(spec, (reference) => {
    if (predefinedName(reference) !== undefined) return reference;
    const found = oneMeant('network', reference, networks, ({ record }) => record);
    if (found === undefined) throw new ArpanetError('not-found', `network ${reference} not found`);
    return found.record.id;
  });
}

/** Networks that nobody knows any more, and those of a host, stay as they are called. */
const asKept = (call: Exchange, spec: ServiceSpec): ServiceSpec => settled(spec, networkIds(call));

function networkIds({ cluster }: Exchange): (reference: string) => string {
  const networks = cluster.networks.list();
  return (reference) => networks.find(({ record }) => record.name === reference)?.record.id ?? reference;
}

/** One on every host has no start before the stop: the host is taken until then. */
const updateOf = (spec: ServiceSpec, base?: UpdateSettings): UpdateSettings => ({
  ...settingsOf(spec.UpdateConfig, base),
  ...(spec.Mode?.Global == null ? {} : { order: 'stop-first' as const }),
});

/** Undefined: as an update. One on every host has no start before the stop. */
function rollbackOf({ RollbackConfig, Mode }: ServiceSpec): UpdateSettings | undefined {
  if (RollbackConfig == null) return undefined;
  const settings = settingsOf(RollbackConfig, ROLLBACK_DEFAULTS);
  return Mode?.Global == null ? settings : { ...settings, order: 'stop-first' };
}

/** `--with-registry-auth`. */
const authOf = ({ req }: Exchange): string | undefined => {
  const { 'x-registry-auth': auth } = req.headers;
  return typeof auth === 'string' && auth !== '' ? auth : undefined;
};

const isOnAllHosts = ({ cluster }: Exchange): boolean => isMeshed(cluster.hosts.list());

/** With numbers for its ports. Throws `invalid` for one that another service or the cluster itself has. */
function withPorts(call: Exchange, spec: ServiceSpec, own: ServiceId, before?: ServiceSpec): ServiceSpec {
  if (!spec.EndpointSpec?.Ports?.length) return spec;
  const isMesh = isOnAllHosts(call);
  const taken = portsTaken(call.cluster.services.list(), own);
  const agents = isMesh ? agentPorts(call.cluster.hosts.list()) : [];
  const numbered = isMesh ? withNumbers(spec, before, (key) => taken.has(key) || agents.some((port) => key === `${port}/tcp`)) : spec;
  if (isMesh) refuseClusterPorts(numbered, agents);
  refuseTaken(numbered, isMesh, taken, ({ deployment, service }) => ids.service(deployment, service));
  return numbered;
}

export async function serviceCreate(call: Exchange): Promise<void> {
  const asSent = await readSpec(call);
  refuseMeaningless(asSent);
  const id = idOf(asSent);
  const spec = withPorts(call, asSent, id);
  const rollback = rollbackOf(spec);
  const counts = countsOf(spec, call.nowMs);
  const stem = id.deployment === 'default' ? id.service : `${projectOf(id.deployment)}-${id.service}`;
  await call.cluster.services.create(
    {
      ...id,
      ...counts,
      desired: counts.desired ?? 1,
      template: {
        name: `${stem}-1`,
        number: 1,
        request: requestOf(spec, id, filesFor(call, spec), templateLabels(spec, id), isOnAllHosts(call)),
      },
      update: updateOf(spec),
      ...(rollback === undefined ? {} : { rollback }),
      labels: spec.Labels ?? {},
      spec,
    },
    authOf(call),
  );
  sendJson(call, 201, { ID: ids.service(id.deployment, id.service), Warnings: warningsOf(spec, isOnAllHosts(call)) });
}

export async function serviceUpdate(call: Exchange): Promise<void> {
  const services = call.cluster.services;
  const view = serviceAt(call, call.params['id'] ?? '');
  const asSent = await readSpec(call);
  const version = objectVersion(call.query, 'service');
  if (call.query.get('rollback') === 'previous') {
    await services.rollback(serviceKey(view), quiet, PATIENCE_MS);
    return sendJson(call, 200, { Warnings: null });
  }
  refuseMeaningless(asSent);
  if (asSent.Name !== serviceName(view))
    throw new ArpanetError('unsupported', 'rpc error: code = Unimplemented desc = renaming services is not supported');
  if (modeOf(asSent) !== modeOfView(view))
    throw new ArpanetError('unsupported', 'service mode change is not allowed: remove the service and create it again');
  const spec = withPorts(call, asSent, view, specOf(view));
  const { template } = view;
  const counts = countsOf(spec, call.nowMs);
  const isOfSpec = template === undefined || view.record?.origin === 'api';
  // what compose sent has no templates, whatever it looks like
  const wanted = requestOf(spec, view, filesFor(call, spec), isOfSpec ? templateLabels(spec, view) : {}, isOnAllHosts(call));
  const changed = isOfSpec ? { request: wanted } : changedBy(call, view, template, wanted);
  await services.update(
    serviceKey(view),
    {
      template: { name: template?.name ?? `${projectOf(view.deployment)}-${view.service}-1`, number: template?.number ?? 1, ...changed },
      desired: counts.desired ?? view.desired,
      ...(counts.job === undefined ? {} : { job: counts.job }),
      update: updateOf(spec, view.record?.update),
      rollback: rollbackOf(spec) ?? null,
      labels: spec.Labels ?? {},
      ...(view.record?.origin === 'api' ? { spec } : {}),
      version,
      registryAuth: authOf(call),
      patienceMs: PATIENCE_MS,
    },
    quiet,
  );
  const warnings = warningsOf(spec, isOnAllHosts(call));
  sendJson(call, 200, { Warnings: warnings.length === 0 ? null : warnings });
}

/** What compose sent may say more than a spec can: only what the client changed is changed. */
function changedBy(
  call: Exchange,
  view: ServiceView,
  { request, connected = {} }: ServiceTemplate,
  wanted: CreateRequest,
): Pick<ServiceTemplate, 'request' | 'connected'> {
  const before = requestOf(asKept(call, specOf(view)), view, [], {}, isOnAllHosts(call));
  const isSame = JSON.stringify(before.NetworkingConfig) === JSON.stringify(wanted.NetworkingConfig);
  if (isSame) return { request: patched(request, before, wanted), ...(Object.keys(connected).length === 0 ? {} : { connected }) };
  const idOf = networkIds(call);
  const endpoints = Object.entries({ ...request.NetworkingConfig?.EndpointsConfig, ...connected });
  const known = Object.fromEntries(endpoints.flatMap(([network, endpoint]) => (endpoint ? [[idOf(network), endpoint] as const] : [])));
  return { request: patched(request, before, withKnownEndpoints(wanted, known)) };
}

export async function serviceRemove(call: Exchange): Promise<void> {
  const reference = call.params['id'] ?? '';
  await removeUnreadableToo(call, 'service', reference, async () => {
    await call.cluster.services.remove([serviceKey(serviceAt(call, reference))], quiet, PATIENCE_MS);
  });
  sendJson(call, 200, {});
}

/** Full id, name, unique id prefix. Throws `not-found`; `invalid` for a prefix of several. */
export function hostAt(call: Exchange, reference: string): HostView {
  const found = oneMeant('node', reference, call.cluster.hosts.list(), ({ name }) => ({ id: ids.node(name), name }));
  if (found === undefined) throw new ArpanetError('not-found', `node ${reference} not found`);
  return found;
}

export async function nodeList(call: Exchange): Promise<void> {
  if (isComposeV1(call.req.headers)) throw new ArpanetError('unavailable', NO_SWARM);
  const filters = parseFilters(call.query.get('filters')).only('id', 'label', 'node.label', 'membership', 'name', 'role');
  const nodes = fenced(
    listOf('node'),
    call.cluster.hosts.list(),
    ({ name }) => name,
    (host) => {
      const { labels } = host.record;
      const isChosen =
        filters.fuzzy('id', ids.node(host.name)) &&
        filters.fuzzy('name', host.name) &&
        filters.exact('role', 'worker') &&
        filters.exact('membership', 'accepted') &&
        filters.labels('label', labels) &&
        filters.labels('node.label', labels);
      return isChosen ? [showNode(host, ids)] : [];
    },
  );
  await sendJsonList(call, nodes);
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
  const spec = await readSwarmJson<NodeSpec>(call, 'swarm.NodeSpec');
  objectVersion(call.query, 'node');
  const { Availability = host.record.availability, Labels, Role = 'worker' } = spec;
  if (!['worker', 'manager'].includes(Role)) throw new ArpanetError('invalid', `invalid Role: ${JSON.stringify(Role)}`);
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

export async function swarmInit(call: Exchange): Promise<void> {
  const { Spec, DefaultAddrPool, SubnetSize } = await readJson<InitRequest>(call, 'swarm.InitRequest');
  init(call.cluster, Spec ?? {}, connectionOf(call.req), { ranges: DefaultAddrPool ?? [], subnetSize: SubnetSize ?? 0 });
  sendJson(call, 200, ids.node(call.cluster.hosts.list()[0]?.name ?? ''));
}

export async function swarmLeave(call: Exchange): Promise<void> {
  leave(call.cluster, boolValue(call.query.get('force')), connectionOf(call.req));
  send(call, { status: 200 });
  await Promise.resolve();
}

export async function swarmJoin(call: Exchange): Promise<void> {
  await readJson<Json>(call, 'swarm.JoinRequest');
  join(call.cluster, connectionOf(call.req));
}

export async function swarmUnlock(call: Exchange): Promise<void> {
  await readJson<Json>(call, 'swarm.UnlockRequest');
  unlock(call.cluster);
}

/** Nothing is locked. */
export async function swarmUnlockKey(call: Exchange): Promise<void> {
  sendJson(call, 200, { UnlockKey: '' });
  await Promise.resolve();
}

export async function swarmUpdate(call: Exchange): Promise<void> {
  const spec = await readJson<Json>(call, 'swarm.Spec');
  const rotate = (name: string) => boolValue(call.query.get(name));
  const rotated = { worker: rotate('rotateWorkerToken'), manager: rotate('rotateManagerToken') };
  update(call.cluster, objectVersion(call.query, 'swarm'), spec, rotated);
  send(call, { status: 200 });
}
