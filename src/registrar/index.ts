/**
 * Job: every ready instance is in the agents' name tables and in the Consul catalog, and nothing else is.
 * In: container records, the cluster view, withdrawn containers. Out: name tables for agents, changes of the catalog.
 * Invariants: a withdrawn instance is in neither once `flush` has resolved; a host that has not connected since the election keeps its names.
 */
export type { InstanceSource, NamedHost, Registrar } from './contract.ts';
export { instancesOf } from './instance.ts';
export { createInstanceTable } from './instance-table.ts';
export { outsideEntry, outsideName, withEntry, withoutEntries } from './outside.ts';
export { startRegistrar } from './registrar.ts';
