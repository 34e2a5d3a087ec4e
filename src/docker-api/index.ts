/**
 * Job: the endpoint. Speaks Docker's Engine API for the whole cluster. In: HTTP requests of docker, compose, SDKs and the other schedulers; a `Cluster`
 * while this scheduler leads. Out: answers from the cluster view, requests to the hosts' Engines, streams joined end to end.
 * Invariants: one request gets one answer; an Engine's own status and words pass unchanged; what was written is seen by the next read; bodies
 * that are not rewritten are never buffered; a client that disconnects frees what it held.
 */
export { type Narrow, narrowCluster } from './access/narrow.ts';
export type { ClusterTls } from './listeners.ts';
export { type Endpoint, type EndpointDeps, startEndpoint } from './server.ts';
