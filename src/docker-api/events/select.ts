/** Which events a client of `GET /events` asked for, and how they are written. https://github.com/moby/moby/blob/v26.1.5/daemon/events/filter.go */
import type { ClusterEvent, EngineEvent } from '../../model/index.ts';
import type { Filters } from '../reads/filters.ts';
import { apiMinor } from '../../text/api-version.ts';
import { imageName } from '../../text/image-reference.ts';

/** Actions that carry a detail after a colon: asked for without it, they match by prefix. */
const prefixActions = ['health_status', 'exec_create', 'exec_start'];
const actorKinds = ['daemon', 'container', 'plugin', 'volume', 'network', 'service', 'secret', 'config'];

export function eventFilter(filters: Filters): (event: ClusterEvent) => boolean {
  if (filters.isEmpty) return () => true;
  const byPrefix = filters.get('event').some((action) => prefixActions.includes(action));
  return ({ event, host }) =>
    (byPrefix ? filters.fuzzy('event', event.Action) : filters.exact('event', event.Action)) &&
    filters.exact('type', event.Type) &&
    filters.exact('scope', event.scope ?? '') &&
    actorKinds.every((kind) => isActor(filters, kind, event)) &&
    (isActor(filters, 'node', event) || filters.exact('node', host)) &&
    isOfImage(filters, event) &&
    filters.labels('label', event.Actor.Attributes);
}

/** One line of the stream. Fields of the oldest API (`status`, `id`, `from`) exist until 1.52 dropped them. */
export function renderEvent(event: EngineEvent, apiVersion: string): Buffer {
  const { status: _, id: _id, from: _from, ...current } = event;
  const shown = apiMinor(apiVersion) >= 52 ? current : { ...legacyFields(event), ...current };
  return Buffer.from(`${JSON.stringify(shown)}\n`);
}

function legacyFields(event: EngineEvent): { status?: string; id?: string; from?: string } {
  if (event.Type !== 'container' && event.Type !== 'image') return {};
  const image = event.Actor.Attributes['image'];
  const from = event.from ?? (event.Type === 'container' ? image : undefined);
  return { status: event.status ?? event.Action, id: event.id ?? event.Actor.ID, ...(from === undefined ? {} : { from }) };
}

function isActor(filters: Filters, kind: string, { Actor }: EngineEvent): boolean {
  return filters.fuzzy(kind, Actor.ID) || filters.fuzzy(kind, Actor.Attributes['name'] ?? '');
}

/** An image by id, name or bare name; containers made from it count too. */
function isOfImage(filters: Filters, event: EngineEvent): boolean {
  if (!filters.has('image')) return true;
  const name = event.Actor.Attributes[event.Type === 'image' ? 'name' : 'image'] ?? '';
  return [event.Actor.ID, name, imageName(event.Actor.ID), imageName(name)].some((source) => filters.exact('image', source));
}
