/** Named points between two effects, where a crash would hurt most. Nothing happens there, unless a test's entry point passes a hook. */
export const FAILPOINTS = [
  /** Name, address and record are in the store; nothing exists yet. */
  'create.claimed',
  /** Network and image are on the host. */
  'create.prepared',
  /** The host's Engine has the container, not yet in all its networks. */
  'create.joining',
  /** The container exists; the store does not know its id. */
  'create.made',
  /** The store knows its id; the view need not show it. */
  'create.bound',
  /** All is done, but the client has no answer. */
  'create.recorded',
  /** The Engine has started, stopped or removed a container; the view does not show it. */
  'change.done',
  /** The view shows it, too; the client has no answer. */
  'change.shown',
  /** The name is out of DNS; the container still runs. */
  'stop.withdrawn',
  /** The container is gone; its address and record are still held. */
  'remove.done',
  /** They are released; its network is still there. */
  'remove.released',
  /** Nothing of it is left; the client has no answer. */
  'remove.tidied',
  'network-create.committed',
  /** Its record is gone; hosts still have it. */
  'network-remove.committed',
  /** It is off all hosts; the client has no answer. */
  'network-remove.taken',
  /** A client's create is done; it is not counted yet. */
  'count.created',
  /** A client is about to remove an instance; only the mark says so. */
  'count.marked',
  /** It is removed; the count is as before. */
  'count.removed',
  /** The desired count is stored; nothing was made or removed for it. */
  'scale.written',
  /** A new instance is made and not started. */
  'scale.made',
  /** It is started; the view does not show it. */
  'scale.started',
  /** One too many is stopped and still there. */
  'scale.stopped',
  /** It is gone from its Engine; its record and addresses are still held. */
  'scale.removed',
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];

/** Awaited at each point before the code goes on. */
export type FailpointHook = (point: Failpoint) => Promise<void>;

/** The product's own hook. */
export const noFailpoint: FailpointHook = async () => undefined;
