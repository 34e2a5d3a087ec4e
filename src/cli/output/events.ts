/** `arpanet events`: one event as a line for a terminal. Pure. */
import type { EngineEvent } from '../../model/index.ts';

/** `2026-11-20T14:00:00Z h1 container start abc-web-1 (image=web:1)`. */
export function eventText(event: EngineEvent): string {
  const { Type, Action, Actor, time } = event;
  const attributes = Actor.Attributes;
  const host = attributes['node.name'] ?? '';
  const known = ['image', 'exitCode', 'signal', 'container'].filter((name) => attributes[name] !== undefined);
  const rest = known.map((name) => `${name}=${attributes[name]}`).join(', ');
  const at = new Date((time ?? 0) * 1000).toISOString().replace(/\..*/, 'Z');
  const what = attributes['name'] ?? Actor.ID.slice(0, 12);
  return [at, host, Type, Action, what, rest === '' ? '' : `(${rest})`].filter((word) => word !== '').join(' ');
}
