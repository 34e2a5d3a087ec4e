/**
 * Job: fig and compose files as steps against a cluster. In: files' texts, variables, the containers that are there. Out: create requests labelled
 * as compose's own, in the order in which they must come up. Invariants: every complaint names file, line and key; what is not understood is
 * refused, never left out; the same definition has the same config hash. Changes nothing by itself.
 */
export { planStack, resourcesOf, type Step, type Wave } from './plan.ts';
export { readStack, type Stack } from './read.ts';
export type { Surroundings } from './requests.ts';
export { parseSource, type Source } from './source.ts';
export { envFileOf } from './values.ts';
