/** The reconciler of replicas: looks after each change, and when a back-off is over, and brings every service back to its count. Effects: timers. */
import { ArpanetError, type ServiceId, type ServiceRecord } from '../../model/index.ts';
import type { Act } from './instance-actions.ts';
import type { Core } from '../core.ts';
import { globalCount } from './global.ts';
import { createLower } from './count-removals.ts';
import { keyOf } from '../service-reference.ts';
import { reconcile, type Step } from './replica-plan.ts';

/** Changes come in flocks. */
const SETTLE_MS = 200;
const AT_ONCE = 4;
const REMOVE_DRAIN_MS = 1_000;

export interface Keep {
  /** One look at a service now, and all that it asks for. Rejects with the first failure. */
  readonly look: (id: ServiceId) => Promise<void>;
  /** Looks at it soon. */
  readonly soon: (id: ServiceId, ms?: number) => void;
  /** Resolves when the view is complete, or leadership has ended. */
  readonly ready: Promise<void>;
}

export function startKeep(core: Core, act: Act): Keep {
  const { deps, lost } = core;
  const lower = createLower(core);
  let scan: NodeJS.Timeout | undefined;
  let isReady = false;

  function soon(id: ServiceId, ms = SETTLE_MS): void {
    const runtime = core.runtime(id);
    clearTimeout(runtime.timer);
    if (lost.aborted) return;
    runtime.timer = setTimeout(() => void lookQuietly(id), Math.max(ms, 1));
  }

  function isHeldOff(id: ServiceId): boolean {
    const { busy, operation } = core.runtime(id);
    return busy > 0 || operation !== undefined || !isReady || deps.frozen() !== undefined;
  }

  async function lookQuietly(id: ServiceId): Promise<void> {
    if (isHeldOff(id)) return soon(id, 1_000);
    await look(id, () => isHeldOff(id)).catch((error: unknown) => {
      deps.log.warn({ service: keyOf(id), err: error }, 'a service is not as desired; tried again');
    });
  }

  /** One look after the other. */
  async function look(id: ServiceId, isCancelled: () => boolean = () => false): Promise<void> {
    const runtime = core.runtime(id);
    const run = runtime.tail.then(async () => (isCancelled() ? undefined : once(id)));
    runtime.tail = run.catch(() => undefined);
    return run;
  }

  async function once(id: ServiceId): Promise<void> {
    const record = await counted(id);
    if (record === undefined || lost.aborted) return;
    const runtime = core.runtime(id);
    if ((record.removing ?? []).length > 0 && (await lower.settle(id, record))) return soon(id, 1);
    const instances = core.instances(id);
    const input = { record, instances, unseen: core.unseen(id), attempts: runtime.attempts, nowMs: deps.now() };
    const { steps, againAtMs, trouble } = reconcile(input);
    const known = new Set(instances.map((container) => container.id));
    for (const key of runtime.attempts.keys()) if (key !== 'create' && !known.has(key)) runtime.attempts.delete(key);
    if (trouble !== undefined || !runtime.attempts.has('create')) runtime.trouble = trouble;
    if (againAtMs !== undefined) soon(id, againAtMs - deps.now());
    if (steps.length === 0) return;
    deps.log.info({ service: keyOf(id), desired: record.desired, steps: steps.map(describe) }, 'bringing a service to its count');
    const failures = await inTurns(steps, AT_ONCE, (step) => take(id, record, step));
    if (failures.length > 0) {
      soon(id, 1_000);
      throw failures[0];
    }
    soon(id);
  }

  /** The record; that of a global service with as many instances as its hosts are now. */
  async function counted(id: ServiceId): Promise<ServiceRecord | undefined> {
    const record = core.record(id);
    if (record?.isGlobal !== true || lost.aborted) return record;
    const desired = globalCount(core, record);
    return core.put(id, (before) => (before === undefined || before.desired === desired ? before : { ...before, desired }));
  }

  async function take(id: ServiceId, record: ServiceRecord, step: Step): Promise<void> {
    const { attempts } = core.runtime(id);
    const tried = (key: string) => attempts.set(key, { count: (attempts.get(key)?.count ?? 0) + 1, atMs: deps.now() });
    switch (step.do) {
      case 'add':
        try {
          const made = await act.add(record.template, step.number);
          attempts.delete('create');
          await takeBack(id, made);
          core.runtime(id).trouble = undefined;
        } catch (error) {
          tried('create');
          core.runtime(id).trouble = error instanceof Error ? error.message : String(error);
          throw error;
        }
        return;
      case 'start':
        tried(step.container.id);
        return act.start(step.container);
      case 'remove':
        return act.remove(step.container, REMOVE_DRAIN_MS);
      case 'count':
        await core.put(
          id,
          (before) => before && { ...before, desired: step.desired, countedAtMs: deps.now(), version: before.version + 1 },
        );
    }
  }

  /** The service was removed while this instance of it was made. */
  async function takeBack(id: ServiceId, made: string): Promise<void> {
    if (core.record(id) !== undefined || lost.aborted) return;
    const container = core.deps.containers().find((one) => one.id === made);
    if (container !== undefined) await act.remove(container, 0);
  }

  function scanAll(): void {
    scan = undefined;
    for (const { deployment, service } of core.records()) soon({ deployment, service }, 1);
  }

  deps.onChange(() => {
    scan ??= setTimeout(scanAll, SETTLE_MS);
  }, lost);
  lost.addEventListener('abort', () => clearTimeout(scan));
  const ready = untilReady();

  async function untilReady(): Promise<void> {
    while (!lost.aborted && !isReady) {
      try {
        await deps.ready(lost);
        isReady = true;
      } catch {
        // it gives up after a while; it is asked again for as long as we lead
      }
    }
    if (isReady) scanAll();
  }

  return { look, soon, ready };
}

const describe = (step: Step): string =>
  step.do === 'add' ? `add ${step.number}` : step.do === 'count' ? `count ${step.desired}` : `${step.do} ${step.container.name}`;

/** A few at once, in order; all are tried. The errors of those that failed. */
export async function inTurns<T>(items: readonly T[], atOnce: number, act: (item: T) => Promise<unknown>): Promise<readonly Error[]> {
  const queue = [...items];
  const failures: Error[] = [];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      try {
        await act(item);
      } catch (error) {
        failures.push(error instanceof Error ? error : new ArpanetError('unavailable', String(error)));
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return failures;
}
