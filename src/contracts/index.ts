/**
 * Job: what rooms ask of each other, by role: one interface a role, at most 12 members each, declared here and nowhere else. Types only.
 * Invariant: a member says its units, its errors and what it leaves unchanged; `processes/leadership.ts` says who implements it and who gets it.
 */
export type * from './agents.ts';
export type * from './allocator.ts';
export type * from './boot.ts';
export type * from './containers.ts';
export type * from './deployments.ts';
export type * from './engines.ts';
export type * from './events.ts';
export type * from './host-operations.ts';
export type * from './hosts.ts';
export type * from './images.ts';
export type * from './leader.ts';
export type * from './names.ts';
export type * from './networks.ts';
export type * from './people.ts';
export type * from './placement.ts';
export type * from './progress.ts';
export type * from './replica.ts';
export type * from './replica-view.ts';
export type * from './services.ts';
export type * from './view.ts';
export type * from './volumes.ts';
export type * from './cluster.ts';
