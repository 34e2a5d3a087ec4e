/** Engines' events as clients of the cluster see them. Pure. */
import type { EngineEvent } from '../model/docker.ts';
import { withoutReservedLabels } from '../model/labels.ts';
import { predefinedNetworks } from '../model/networks.ts';

/** Without arpanet's own labels, and with the host as attribute `node.name`, as in Docker Swarm's classic API. `network`: the cluster network that the event is about. */
export function shownEvent(host: string, event: EngineEvent, network?: { readonly id: string; readonly name?: string }): EngineEvent {
  const attributes = withoutReservedLabels(event.Actor.Attributes);
  const name = network?.name ?? attributes['name'];
  const id = event.Type === 'network' ? (network?.id ?? predefinedNetworks.get(name ?? '')) : undefined;
  const Attributes = { ...attributes, ...(id === undefined || name === undefined ? {} : { name }), 'node.name': host };
  if (id === undefined) return { ...event, Actor: { ...event.Actor, Attributes } };
  return { ...event, ...(event.id === undefined ? {} : { id }), Actor: { ...event.Actor, ID: id, Attributes } };
}

/** A key that is the same however often an event arrives. */
export const eventIdentity = (host: string, { timeNano, Type, Action, Actor }: EngineEvent): string =>
  `${host} ${timeNano} ${Type} ${Action} ${Actor.ID}`;
