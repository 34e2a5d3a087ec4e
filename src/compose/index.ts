/**
 * Job: fig and compose files as steps against a cluster. In: files' texts, variables, the existing containers. Out: create requests labelled
 * as compose's own, in the order in which they must start. Invariants: every error names file, line and key; a key that is not supported is
 * refused, never ignored; the same definition has the same config hash. Changes nothing by itself.
 */
export { type Plan, planStack, resourcesOf, type Step, storedObjectsOf, type Wave } from './plan.ts';
export { type Included, readStack, type Stack } from './read.ts';
export { addressesNeeded } from './network-size.ts';
export type { Build } from './build.ts';
export { withStages } from './build-contexts.ts';
export type { Surroundings } from './requests.ts';
export { parseSource, type Source } from './source.ts';
export type { StoredObject } from './stored-files.ts';
export { envFileOf } from './env-file.ts';
