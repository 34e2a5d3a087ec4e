/**
 * An image that several hosts have is tagged, untagged and removed on each of them: one command, an event from every host. The first one
 * tells it, the others are echoes. State: the newest of each kind.
 */
import type { EngineEvent } from '../model/docker.ts';

const ECHO_MS = 2_000;
const REMEMBERED = 256;
const EVERYWHERE: ReadonlySet<string> = new Set(['tag', 'untag', 'delete']);

/** True for an event that another host has told in the moments before it. Events of all hosts, in the order of their telling. */
export function createEventDedup(): (host: string, event: EngineEvent) => boolean {
  const heard = new Map<string, { readonly host: string; readonly atMs: number }>();
  return (host, { Type, Action, Actor, timeNano }) => {
    if (Type !== 'image' || !EVERYWHERE.has(Action)) return false;
    const key = `${Action} ${Actor.ID} ${Actor.Attributes['name'] ?? ''}`;
    const atMs = timeNano / 1e6;
    const first = heard.get(key);
    if (first !== undefined && first.host !== host && Math.abs(atMs - first.atMs) < ECHO_MS) return true;
    heard.delete(key);
    heard.set(key, { host, atMs });
    const [oldest] = heard.keys();
    if (heard.size > REMEMBERED && oldest !== undefined) heard.delete(oldest);
    return false;
  };
}
