/** The points between two effects on a service's count at which tests kill a scheduler (`ARPANET_TRIP`); the scheduler room has its own. */
export const COUNT_TRIP_POINTS = [
  /** A client's create is done; it is not counted yet. */
  'count.created',
  /** A client is about to remove an instance; only the mark says so. */
  'count.marked',
  /** It is removed; the count is as before. */
  'count.removed',
  /** The wanted count is written down; nothing was made or removed for it. */
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

export type CountTripPoint = (typeof COUNT_TRIP_POINTS)[number];
