/** What must be read from the Engine after one of its events. Pure. */
import type { EngineEvent } from '../../model/docker.ts';
import type { NetworkTouch } from '../overlay/plan.ts';

export type Queue = 'containers' | 'images' | 'volumes';

/** Container actions that change nothing in list or inspect but the exec ids, which the leader reads from the Engine when asked. */
const QUIET = new Set(['attach', 'detach', 'resize', 'top', 'export', 'copy', 'archive-path', 'extract-to-dir', 'commit']);
const QUIET_IMAGE = new Set(['push', 'save']);

export type Refresh =
  | { readonly do: 'nothing' }
  | { readonly do: 'read'; readonly container: string }
  | { readonly do: 'forget'; readonly container: string }
  | { readonly do: 'list' };

/** Which queue takes the event: each keeps its order, none waits for another. */
export function queueOf(event: EngineEvent): Queue {
  return event.Type === 'image' ? 'images' : event.Type === 'volume' ? 'volumes' : 'containers';
}

/** What must be read before the event may be sent on. */
export function refreshFor(event: EngineEvent): Refresh {
  const { Type: type, Action: action, Actor: actor } = event;
  if (type === 'container') {
    if (action === 'destroy') return { do: 'forget', container: actor.ID };
    if (QUIET.has(action) || action.startsWith('exec_') || actor.ID === '') return { do: 'nothing' };
    return { do: 'read', container: actor.ID };
  }
  if (type === 'network') {
    const container = actor.Attributes['container'];
    return container !== undefined && (action === 'connect' || action === 'disconnect') ? { do: 'read', container } : { do: 'nothing' };
  }
  if (type === 'image') return QUIET_IMAGE.has(action) ? { do: 'nothing' } : { do: 'list' };
  if (type === 'volume') return action === 'mount' || action === 'unmount' ? { do: 'nothing' } : { do: 'list' };
  return { do: 'nothing' };
}

/** Events after which a container's name may have to leave DNS: peers connect to an address that no longer answers until they are sent on. */
export function isUrgent({ Type: type, Action: action }: EngineEvent): boolean {
  return type === 'container' && (action === 'die' || action === 'pause' || action.startsWith('health_status'));
}

/** The Engine network that someone made or removed: the overlay must check whether it belongs to the cluster. */
export function touchedNetwork({ Type: type, Action: action, Actor: actor }: EngineEvent): NetworkTouch | undefined {
  if (type !== 'network' || (action !== 'create' && action !== 'destroy')) return undefined;
  return { engineId: actor.ID, isGone: action === 'destroy' };
}

export interface BatchReads {
  readonly read: readonly string[];
  readonly forget: readonly string[];
}

/** Each container of a batch once: a hundred events of one container are one read, and what is destroyed is not read at all. */
export function readsFor(events: readonly EngineEvent[], asked: readonly string[]): BatchReads {
  const read = new Set(asked);
  const forget = new Set<string>();
  for (const event of events) {
    const refresh = refreshFor(event);
    if (refresh.do === 'read') read.add(refresh.container);
    if (refresh.do === 'forget') forget.add(refresh.container);
  }
  for (const id of forget) read.delete(id);
  return { read: [...read], forget: [...forget] };
}
