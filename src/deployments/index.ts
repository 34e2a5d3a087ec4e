/**
 * Job: what a compose file asks for, carried out on the cluster: the plan, the steps in their order, the end of a deployment; and at the leader the record of
 * it, so that the next leader goes on. In: files, the cluster's own APIs. Invariant: what ends early says what is done and what is not.
 */
export type { ClusterCalls, How } from './calls.ts';
export { carryOut } from './carry-out.ts';
export { createDeployments, type DeploymentsRoom } from './deployments.ts';
export { dotEnv, type Environment, type Files, nameOf, type Project, readEnvFiles, readProject } from './files.ts';
export { ensureImages } from './images.ts';
export { type Job, missing, prepare, remarks } from './job.ts';
export { refuseUnfit, rehearse } from './rehearse.ts';
export { recorded, sentProject } from './sent-files.ts';
export { contentOf } from './stored-content.ts';
export { Stopped, stillWanted, unfinished } from './unfinished.ts';
