/** The points between two effects at which tests kill a scheduler, an agent or an Engine (`ARPANET_TRIP`), to see that nothing is lost or left. */
export const TRIP_POINTS = [
  /** Name, address and record are in the store; nothing exists yet. */
  'create.claimed',
  /** Network and image are on the host. */
  'create.prepared',
  /** Its host's Engine has it, not yet in all its networks. */
  'create.joining',
  /** The container exists; the store does not know its id. */
  'create.made',
  /** The store knows its id; the view need not show it. */
  'create.bound',
  /** All is done, but nobody was told. */
  'create.recorded',
  /** The Engine has started, stopped or removed a container; the view does not show it. */
  'change.done',
  /** The view shows it, too; nobody was told. */
  'change.shown',
  /** The name is out of DNS; the container still runs. */
  'stop.withdrawn',
  /** The container is gone; its address and record are still held. */
  'remove.done',
  /** They are given back; its network is still there. */
  'remove.released',
  /** Nothing of it is left; nobody was told. */
  'remove.tidied',
  'network-create.committed',
  /** Its record is gone; hosts still have it. */
  'network-remove.committed',
  /** It is off all hosts; nobody was told. */
  'network-remove.taken',
] as const;

export type TripPoint = (typeof TRIP_POINTS)[number];
