/**
 * Job: every instance that can be answered is in the agents' name tables and in the Consul catalog, and nothing else is.
 * In: container records, the cluster view, what is being withdrawn. Out: name tables for agents, changes of the catalog.
 * Invariants: a withdrawn instance is out of both before `flush` resolves; a host not heard of since the election keeps its names.
 */
export type { NamedHost, Registrar } from './contract.ts';
export { instancesOf } from './instance.ts';
export { outsideEntry, outsideName, withEntry, withoutEntries } from './outside.ts';
export { startRegistrar } from './registrar.ts';
