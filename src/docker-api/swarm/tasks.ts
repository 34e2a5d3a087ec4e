/** `GET /tasks` and `GET /tasks/{id}`: the instances of services, as a swarm's manager lists them. */
import { ArpanetError, type ServiceView, serviceKey, serviceName } from '../../model/index.ts';
import { sendJsonList } from '../proxy/json-list.ts';
import { fenced } from '../../telemetry/left-out.ts';
import { listOf } from '../reads/listed.ts';
import { parseFilters } from '../reads/filters.ts';
import { type Exchange, sendJson } from '../request-context.ts';
import { ids } from '../../text/swarm-ids.ts';
import { oneMeant } from './references.ts';
import { hostAt, serviceAt } from './services.ts';
import { labelsOf, showTasks, type Task } from './show.ts';

const TASKS = { ...listOf('service'), of: 'the list of tasks' };

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
  const state = filters.get('desired-state').find((one) => !['running', 'shutdown', 'accepted'].includes(one));
  if (state !== undefined) throw new ArpanetError('invalid', `Invalid desired-state filter: '${state}'`);
  const wantedServices = filters.get('service').map((reference) => serviceKey(serviceAt(call, reference)));
  const wantedNodes = filters.get('node').map((reference) => ids.node(hostAt(call, reference).name));
  const isCurrentOnly = filters.bool('_up-to-date') === true;
  const isChosen = (view: ServiceView): boolean =>
    (wantedServices.length === 0 || wantedServices.includes(serviceKey(view))) &&
    filters.labels('label', labelsOf(view)) &&
    filters.fuzzy('name', serviceName(view));
  const tasks = fenced(TASKS, call.cluster.services.list(), serviceName, (view): readonly Task[] => {
    if (!isChosen(view)) return [];
    return [...showTasks(view, ids)].filter(
      (task) =>
        (!isCurrentOnly || !view.outdated.includes(task.Status.ContainerStatus?.ContainerID ?? '')) &&
        filters.fuzzy('id', task.ID) &&
        filters.exact('desired-state', task.DesiredState) &&
        (wantedNodes.length === 0 || wantedNodes.includes(task.NodeID ?? '')),
    );
  });
  await sendJsonList(call, tasks);
}

/** Full id, unique id prefix. Throws `not-found`; `invalid` for a prefix of several. */
export function taskAt(call: Exchange, reference: string): { readonly task: Task; readonly view: ServiceView } {
  const all = [
    ...fenced(TASKS, call.cluster.services.list(), serviceName, (view) => [...showTasks(view, ids)].map((task) => ({ task, view }))),
  ];
  const found = oneMeant('task', reference, all, ({ task }) => ({ id: task.ID, name: '' }));
  if (found === undefined) throw new ArpanetError('not-found', `task ${reference} not found`);
  return found;
}

export async function taskInspect(call: Exchange): Promise<void> {
  sendJson(call, 200, taskAt(call, call.params['id'] ?? '').task);
  await Promise.resolve();
}
