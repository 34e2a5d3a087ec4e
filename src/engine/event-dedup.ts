/**
 * An image that several hosts have is tagged, untagged and removed on each of them: one command, an event from every host. Clients are sent the
 * first one; the others are duplicates. State: the last 256 events. No clock: time is the events' own.
 */
import { LRUCache } from 'lru-cache';
import type { EngineEvent } from '../model/docker.ts';

const DUPLICATE_MS = 2_000;
const REMEMBERED = 256;
const EVERYWHERE: ReadonlySet<string> = new Set(['tag', 'untag', 'delete']);

/** True for an event that another host had within the 2 s before it. To be called with the events of all hosts, in the order in which they arrive. */
export function createEventDedup(): (host: string, event: EngineEvent) => boolean {
  const seen = new LRUCache<string, { readonly host: string; readonly atMs: number }>({ max: REMEMBERED });
  return (host, { Type, Action, Actor, timeNano }) => {
    if (Type !== 'image' || !EVERYWHERE.has(Action)) return false;
    const key = `${Action} ${Actor.ID} ${Actor.Attributes['name'] ?? ''}`;
    const atMs = timeNano / 1e6;
    const first = seen.get(key);
    if (first !== undefined && first.host !== host && Math.abs(atMs - first.atMs) < DUPLICATE_MS) return true;
    seen.set(key, { host, atMs });
    return false;
  };
}
