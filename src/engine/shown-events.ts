/** Engines' events as clients of a cluster shall see them. */
import type { EngineEvent } from '../model/docker.ts';
import { isInternalLabel } from './public-labels.ts';
import { predefinedNetworks } from '../model/networks.ts';

/** With our own labels hidden and its host named; `network`: the cluster's own of which the event tells. */
export function shownEvent(host: string, event: EngineEvent, network?: { readonly id: string; readonly name?: string }): EngineEvent {
  const attributes = Object.fromEntries(Object.entries(event.Actor.Attributes).filter(([key]) => !isInternalLabel(key)));
  const name = network?.name ?? attributes['name'];
  const id = event.Type === 'network' ? (network?.id ?? predefinedNetworks.get(name ?? '')) : undefined;
  const Attributes = { ...attributes, ...(id === undefined || name === undefined ? {} : { name }), 'node.name': host };
  if (id === undefined) return { ...event, Actor: { ...event.Actor, Attributes } };
  return { ...event, ...(event.id === undefined ? {} : { id }), Actor: { ...event.Actor, ID: id, Attributes } };
}

/** The same for an event however often it is told. */
export const eventIdentity = (host: string, { timeNano, Type, Action, Actor }: EngineEvent): string =>
  `${host} ${timeNano} ${Type} ${Action} ${Actor.ID}`;
