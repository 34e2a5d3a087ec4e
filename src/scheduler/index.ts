/**
 * Job: where containers go, and that they get there whole. The cluster view, the agents' streams, placement, the create pipeline, networks and
 * volumes, for as long as one leadership lasts.
 * In: the ledger, dhcp's plans, agents' messages, what the endpoint asks. Out: answers from the view; calls to agents and Engines; changes of the ledger.
 * Invariants: one name, one container; what a failed create began is undone; what is handed out of the view never changes; nothing outlives `lost`.
 */
export { startScheduler } from './scheduler.ts';
export { createReplicaCopy, type ReplicaCopy } from './replica/copy.ts';
export { readReplicaMessage, REPLICA_HEADER, REPLICA_PROTOCOL } from './replica/messages.ts';
export { apiWindowFault } from './agents/join-rules.ts';
export { judgeLabels } from './containers/label-claims.ts';
export { isSigned } from './create/label-mac.ts';
