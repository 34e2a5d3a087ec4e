/**
 * Waits until an instance may be stopped (drain-state.ts): asks the agents of all hosts that lead calls to it whether they still do. Effects: calls to
 * agents, a clock.
 */
import { LONGEST_TIMER_MS } from '../../async/longest-timer.ts';
import { ArpanetError, type ContainerView, isKind, labels } from '../../model/index.ts';
import type { Core } from '../core.ts';
import type { ChangeListeners } from '../view/change-listeners.ts';
import { beginDrain, type Drain, type DrainEvent, drainAfter, nextLookMs } from './drain-state.ts';

/** A host that needs longer than this to change a few rules has trouble: it is named in the log, and the stop goes on. */
const ANSWER_MS = 3_000;

export type Leaving = (container: ContainerView, drainMs: number) => Promise<void>;

export function createLeaving(
  { deps, view, hub, recordIndex, lost }: Pick<Core, 'deps' | 'view' | 'hub' | 'recordIndex' | 'lost'>,
  { next }: Pick<ChangeListeners, 'next'>,
): Leaving {
  const { log, now } = deps;

  /** Every host answers for its published ports and names of HTTP; those with a container in its networks lead calls of its service's address. */
  function leading({ record }: ContainerView): readonly string[] {
    const given = record?.request.Labels ?? {};
    if (given[labels.ingress] || given[labels.http]) return hub.hosts().filter(hub.connected);
    if (given[labels.vip] !== 'true') return [];
    const near = Object.keys(record?.addresses ?? {}).flatMap((network) => recordIndex.inNetwork(network).map(({ host }) => host));
    return [...new Set(near)].filter(hub.connected);
  }

  return async (container, drainMs) => {
    let drain: Drain = beginDrain(leading(container), now(), { answerMs: ANSWER_MS, drainMs });
    let wake = (): void => undefined;
    const step = (event: DrainEvent): void => {
      drain = drainAfter(drain, event, now());
      wake();
    };
    for (const host of drain.waits)
      hub.call(host, { method: 'settle' }, ANSWER_MS, lost).then(
        () => step({ kind: 'left', host }),
        (error: unknown) => {
          // an agent of an earlier release knows no services' addresses, and has the ports by the time that it says so
          if (isKind(error, 'unsupported')) step({ kind: 'left', host });
          else if (isKind(error, 'timeout')) step({ kind: 'time' });
          else step({ kind: hub.connected(host) ? 'failed' : 'lost', host });
        },
      );
    const onLost = (): void => wake();
    lost.addEventListener('abort', onLost, { once: true });
    while (!lost.aborted) {
      const was = drain.phase;
      const isRunning = view.byId(container.id)?.facts.inspect.State.Running === true;
      drain = drainAfter(drain, { kind: isRunning ? 'time' : 'ended' }, now());
      if (was === 'leaving' && drain.phase !== 'leaving' && drain.unanswered.length > 0)
        log.warn(
          { container: container.name, hosts: drain.unanswered },
          'an instance is stopped though these hosts have not confirmed that they lead no calls to it',
        );
      const waitMs = nextLookMs(drain, now());
      if (waitMs === undefined) {
        lost.removeEventListener('abort', onLost);
        return;
      }
      await Promise.race([next(Math.min(waitMs, LONGEST_TIMER_MS)), new Promise<void>((resolve) => (wake = resolve))]);
    }
    throw new ArpanetError('unavailable', 'this scheduler no longer leads');
  };
}
