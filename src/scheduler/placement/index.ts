/**
 * Job: choose a host for a container.
 * In: a request and snapshots of all hosts, plain data. Out: the host and all figures it was chosen by, or a refusal that names each host's reason.
 * Holds: nothing is asked, waited for or changed here; the same input gives the same answer.
 */
export { chargeFor, liveCharges } from './load.ts';
export { keptDecision } from './kept-decision.ts';
export { place, placeIn } from './place.ts';
export { needsOf, placementRequest } from './request.ts';
export type * from './snapshot.ts';
