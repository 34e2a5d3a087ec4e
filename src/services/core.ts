/** What the parts of this room share during one leadership: the services as they are now, their records, and which operation runs on which. */
import {
  ArpanetError,
  type ContainerRecord,
  type ContainerView,
  isKind,
  keys,
  type ServiceId,
  type ServiceRecord,
  type ServiceView,
  serviceKey,
} from '../model/index.ts';
import type { Change } from '../store/ledger/contract.ts';
import { atOnce, type Steps } from '../async/steps.ts';
import { createKeyed, type Keyed } from '../async/keyed.ts';
import { eachInSteps } from '../telemetry/left-out.ts';
import type { ServicesDeps } from './deps.ts';
import { type Attempt, newestFirst, numberOf } from './replicas/replica-plan.ts';
import { isCounted } from './counted-service.ts';
import { takenBackText } from './rollout/canary-plan.ts';
import { essence, isCurrent, templateOf } from './replicas/template.ts';

/** An operation that runs on a service. */
export interface Operation {
  /** For a person: `being updated`. */
  readonly what: string;
  readonly sinceMs: number;
  /** Settles when it has ended; never rejects. */
  readonly ended: Promise<void>;
}

/** What is known of a service beside its record; lost with the leadership. */
export interface Runtime {
  /** How many clients' calls run on it: the reconciler waits for them. */
  busy: number;
  operation: Operation | undefined;
  trouble: string | undefined;
  timer: NodeJS.Timeout | undefined;
  readonly attempts: Map<string, Attempt>;
}

export interface Core {
  readonly deps: ServicesDeps;
  readonly lost: AbortSignal;
  readonly runtime: (id: ServiceId) => Runtime;
  /** Runs of the reconciler, one after the other for each service, by `serviceKey`. */
  readonly runs: Keyed;
  /** Lost containers that cannot be replaced now, and why, by id. */
  readonly stuck: Map<string, { readonly name: string; readonly why: string }>;
  readonly record: (id: ServiceId) => ServiceRecord | undefined;
  readonly records: () => readonly ServiceRecord[];
  /** Writes what `change` makes of the record as it is then; undefined deletes it. */
  readonly put: (
    id: ServiceId,
    change: (before: ServiceRecord | undefined) => ServiceRecord | undefined,
  ) => Promise<ServiceRecord | undefined>;
  readonly instances: (id: ServiceId) => readonly ContainerView[];
  readonly unseen: (id: ServiceId) => readonly { readonly number: number; readonly host: string }[];
  readonly view: (id: ServiceId) => ServiceView;
  readonly list: () => readonly ServiceView[];
  /** The same, pausing in between. */
  readonly listInSteps: () => Steps<readonly ServiceView[]>;
  /** Holds the service for one operation. Throws `conflict` when another runs. */
  readonly operate: <T>(id: ServiceId, what: string, act: () => Promise<T>) => Promise<T>;
}

const recordKey = (id: ServiceId) => keys.service(id.deployment, id.service);
const isOf = (record: ContainerRecord | undefined, id: ServiceId): record is ContainerRecord =>
  record !== undefined && record.deployment === id.deployment && record.service === id.service && isCounted(record.request);

export function createCore(deps: ServicesDeps, lost: AbortSignal): Core {
  const { ledger, now } = deps;
  const runtimes = new Map<string, Runtime>();
  const stuck: Core['stuck'] = new Map();

  const runtime = (id: ServiceId): Runtime => {
    const known = runtimes.get(serviceKey(id));
    if (known !== undefined) return known;
    const made: Runtime = {
      busy: 0,
      operation: undefined,
      trouble: undefined,
      timer: undefined,
      attempts: new Map(),
    };
    runtimes.set(serviceKey(id), made);
    return made;
  };
  lost.addEventListener('abort', () => {
    for (const { timer } of runtimes.values()) clearTimeout(timer);
  });

  /** Its instances' addresses are left alone by others, also while none of them exists. */
  const askedBy = (before: ServiceRecord | undefined, { template: { request, connected } }: ServiceRecord): readonly Change[] =>
    before?.template.request === request
      ? []
      : deps.scheduler.networks.planAsked([
          request,
          ...(connected === undefined ? [] : [{ NetworkingConfig: { EndpointsConfig: connected } }]),
        ]);

  const record = (id: ServiceId) => ledger.get<ServiceRecord>(recordKey(id));
  const records = () => ledger.list<ServiceRecord>(keys.services).map(([, value]) => value);
  const sorted = (instances: readonly ContainerView[]) =>
    instances.toSorted((a, b) => numberOf(a) - numberOf(b) || (a.record?.createdAtMs ?? 0) - (b.record?.createdAtMs ?? 0));
  const instances = (id: ServiceId) =>
    sorted(deps.scheduler.view.containersBy.service(id.deployment, id.service).filter((container) => isOf(container.record, id)));

  function stuckAmong(own: readonly ContainerView[]): string | undefined {
    const [first] = own.flatMap(({ id, host }) => {
      const known = stuck.get(id);
      return known === undefined ? [] : [`${known.name} is lost with host ${host} and cannot be replaced: ${known.why}`];
    });
    return first;
  }

  function viewOf(id: ServiceId, own: readonly ContainerView[]): ServiceView {
    const stored = record(id);
    const [newest] = newestFirst(own);
    const wanted = stored && essence(stored.template);
    return {
      deployment: id.deployment,
      service: id.service,
      record: stored,
      desired: stored?.desired ?? new Set(own.map(numberOf)).size,
      template: stored?.template ?? (newest && templateOf(newest)),
      instances: own,
      outdated: wanted === undefined ? [] : own.filter((container) => !isCurrent(container, wanted)).map((container) => container.id),
      trouble: runtimes.get(serviceKey(id))?.trouble ?? takenBackText(stored) ?? stuckAmong(own),
    };
  }

  function* listInSteps(): Steps<readonly ServiceView[]> {
    const byKey = new Map<string, { readonly id: ServiceId; readonly own: ContainerView[] }>();
    for (const { deployment, service } of records())
      byKey.set(serviceKey({ deployment, service }), { id: { deployment, service }, own: [] });
    const count = (container: ContainerView): void => {
      if (container.record === undefined || !isCounted(container.record.request)) return;
      const { deployment, service } = container.record;
      const key = serviceKey({ deployment, service });
      const known = byKey.get(key);
      if (known === undefined) byKey.set(key, { id: { deployment, service }, own: [container] });
      else known.own.push(container);
    };
    yield* eachInSteps({ kind: 'container', of: 'the services' }, deps.scheduler.containers.list(), ({ name }) => name, count);
    const inOrder = [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return yield* eachInSteps(
      { kind: 'service', of: 'the services' },
      inOrder,
      ([key]) => key,
      ([, { id, own }]) => viewOf(id, sorted(own)),
    );
  }

  return {
    deps,
    lost,
    runtime,
    runs: createKeyed(),
    stuck,
    record,
    records,
    instances,
    async put(id, change) {
      for (let attempt = 1; ; attempt++) {
        const before = record(id);
        const after = change(before);
        if (after === before) return before;
        const key = recordKey(id);
        try {
          await ledger.commit(
            after === undefined ? [{ kind: 'delete', key }] : [{ kind: 'put', key, value: after }, ...askedBy(before, after)],
          );
          return after;
        } catch (error) {
          if (!isKind(error, 'conflict') || attempt === 5) throw error;
        }
      }
    },
    unseen(id) {
      const seen = new Set(instances(id).map((container) => container.name));
      return deps.scheduler.view.containersBy
        .serviceRecords(id.deployment, id.service)
        .flatMap((known) => (isOf(known, id) && !seen.has(known.name) ? [{ number: known.number, host: known.host }] : []));
    },
    view: (id) => viewOf(id, instances(id)),
    list: () => atOnce(listInSteps()),
    listInSteps,
    async operate(id, what, act) {
      const own = runtime(id);
      if (own.operation !== undefined) throw alreadyBusy(id, own.operation, now());
      let end = (): void => undefined;
      const ended = new Promise<void>((resolve) => (end = resolve));
      own.operation = { what, sinceMs: now(), ended };
      try {
        return await act();
      } finally {
        own.operation = undefined;
        end();
      }
    },
  };
}

export function alreadyBusy(id: ServiceId, operation: Pick<Operation, 'what' | 'sinceMs'>, nowMs: number): ArpanetError {
  const seconds = Math.round((nowMs - operation.sinceMs) / 1000);
  return new ArpanetError(
    'conflict',
    `${serviceKey(id)} is ${operation.what} (started ${seconds} s ago): wait until that has ended ("arpanet ps ${serviceKey(id)}" shows it)`,
  );
}
