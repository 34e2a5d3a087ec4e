/**
 * What changes one container (`POST /containers/{id}/start`, `/stop`, `/kill`, …): its Engine does it, the view shows it, then the client is answered. Runs to
 * its end even if the client leaves.
 */
import { type EngineAnswer, engineRequest } from '../../engine/index.ts';
import { ArpanetError, type ContainerRecord, type ContainerView, isKind, isUnreachable } from '../../model/index.ts';
import { isOfSharedBridge, namesNoNetwork } from '../../networks/index.ts';
import { readBody } from '../json/body.ts';
import { type Exchange, send } from '../request-context.ts';
import { unreachable } from '../proxy/forward.ts';
import { asItsEngineKnows, enginePath, sought } from '../route-target.ts';
import { isReferenceTo } from '../../text/references.ts';

/** Asks one host's Engine and reads its small answer, whatever its status. */
export async function askHost(
  call: Exchange,
  host: string,
  path: string,
  body?: Buffer,
  method: string = call.route.method,
  signal?: AbortSignal,
): Promise<EngineAnswer> {
  const { agent } = call.cluster.engines.endpoint(host);
  const headers: Record<string, string> = {};
  for (const name of ['content-type', 'x-registry-auth'] as const) {
    const value = call.req.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  try {
    return await engineRequest(
      { agent },
      {
        method,
        path,
        headers,
        signal,
        ...(body !== undefined && body.length > 0 ? { body } : {}),
      },
    );
  } catch (error) {
    throw unreachable(host, error);
  }
}

export function sendEngineAnswer(call: Exchange, answer: EngineAnswer): void {
  const { 'content-type': contentType, location } = answer.headers;
  send(call, { status: answer.status, body: answer.body, contentType, location });
}

/** start, stop, restart, kill, pause, unpause, update. */
export async function containerMutate(call: Exchange): Promise<void> {
  const body = await readBody(call.req, call.bodyLimitBytes);
  const reference = call.params['id'] ?? '';
  const container = await findToChange(call, reference);
  const path = enginePath(call, { id: asItsEngineKnows(reference, container) });
  if (call.route.path.endsWith('/start')) refuseIdleLinks(call, container);
  const isStop = stops(call.route.path, call.query, container);
  const touch = touchOf(call.route.path, isStop);
  const willRun = touch === 'restart' || (touch === 'start' && !container.facts.inspect.State.Running);
  const act = (): Promise<EngineAnswer> => askHost(call, container.host, path, body);
  const shown = async (): Promise<EngineAnswer> => {
    const end = willRun && !container.facts.inspect.State.Running ? call.cluster.networks.claimPorts(container) : undefined;
    try {
      const answered = isStop
        ? await call.cluster.containers.withdrawn(container, act, {
            drains: call.route.path.endsWith('/stop') || call.route.path.endsWith('/restart'),
          })
        : await act();
      await call.cluster.view.refresh(container.host, { containers: [container.id] });
      return answered;
    } finally {
      end?.();
    }
  };
  const doIt = (): Promise<EngineAnswer> => (willRun ? call.cluster.networks.starting(container, shown) : shown());
  const answer = touch === undefined ? await doIt() : await call.cluster.replicas.touching(container, touch, doIt);
  // Sent again after a failover, "it is so already" means that the first try did it.
  if (answer.status === 304 && call.isRetry) send(call, { status: 204 });
  else sendEngineAnswer(call, answer);
}

/** A link on the default network leads to a container that exists and runs, or the start is refused, in the Engine's words. */
function refuseIdleLinks(call: Exchange, { name, record }: ContainerView): void {
  if (!record?.request.HostConfig?.Links?.length || !namesNoNetwork(record.request)) return;
  for (const { target, alias } of record.links) {
    const linked = call.cluster.containers.list().find((other) => isReferenceTo(target, other));
    if (linked === undefined || isUnreachable(linked.hostState)) continue;
    if (isOfSharedBridge(record) && isElsewhere(linked, record)) {
      throw refusedLink(`Cannot link to /${linked.name}, as it does not belong to the default network`);
    }
    if (!linked.facts.inspect.State.Running)
      throw refusedLink(`Cannot link to a non running container: /${linked.name} AS /${name}/${alias}`);
  }
}

/** On networks of the cluster, on its host's own bridge not, and on none where the other is. */
function isElsewhere({ record, facts }: ContainerView, from: ContainerRecord): boolean {
  const networks = Object.keys(record?.addresses ?? {});
  if (networks.length === 0 || Object.hasOwn(facts.inspect.NetworkSettings.Networks ?? {}, 'bridge')) return false;
  return !networks.some((network) => from.addresses[network] !== undefined);
}

const refusedLink = (why: string): ArpanetError => new ArpanetError('engine', why, { engineStatus: 500 });

async function findToChange(call: Exchange, reference: string): Promise<ContainerView> {
  try {
    return await sought(call, reference);
  } catch (error) {
    if (!isKind(error, 'not-found') || !call.route.path.endsWith('/kill')) throw error;
    throw new ArpanetError('not-found', `cannot kill container: ${reference}: ${error.message}`, { cause: error });
  }
}

/** What it means for the service that the container is an instance of. */
function touchOf(path: string, isStop: boolean): 'stop' | 'start' | 'restart' | undefined {
  const action = path.slice(path.lastIndexOf('/') + 1);
  if (action === 'start' || action === 'restart') return action;
  return isStop && action !== 'pause' ? 'stop' : undefined;
}

/** Whether the request is going to take the container out of service. */
export function stops(path: string, query: URLSearchParams, container: ContainerView): boolean {
  const action = path.slice(path.lastIndexOf('/') + 1);
  if (action === 'kill') return isTerminating(query.get('signal') ?? '', container.facts.inspect.Config['StopSignal']);
  return action === 'stop' || action === 'restart' || action === 'pause';
}

const TERMINATING = new Set(['', 'KILL', 'TERM', 'INT', 'QUIT', 'ABRT', 'STOP', '9', '15', '2', '3', '6', '19']);

function isTerminating(signal: string, stopSignal: unknown): boolean {
  const bare = (text: string): string => text.toUpperCase().replace(/^SIG/, '');
  return TERMINATING.has(bare(signal)) || (typeof stopSignal === 'string' && stopSignal !== '' && bare(stopSignal) === bare(signal));
}
