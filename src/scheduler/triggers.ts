/**
 * What happens in one part of this room and makes another part act, by name. Parts read the view and the ledger; where that is not enough, one
 * emits and another listens, so that none needs to hold the other. Listeners run at once, in the order in which they were added.
 */
import { EventEmitter } from 'node:events';
import type { ContainerView, TunnelEnd } from '../model/index.ts';

interface TriggerMap {
  /** An agent's stream is open and has its welcome: the time to send it what it should have. */
  'agent-welcomed': [host: string];
  /** A host has other public keys for encrypted networks. */
  'keys-changed': [host: string, ends: readonly TunnelEnd[]];
  /** Nothing comes from a host any more: a request that waits for its Engine would wait without success. */
  'host-silent': [host: string];
  /** The view has a host's whole snapshot: its records and its containers can be compared. */
  'snapshot-applied': [host: string];
  /** A container with our labels and without a record is on the host. */
  'stray-seen': [host: string];
  /** A container with a record is gone: its Engine says that it was removed. */
  'container-gone': [container: ContainerView];
}

export type Triggers = EventEmitter<TriggerMap>;

export const createTriggers = (): Triggers => new EventEmitter<TriggerMap>();
