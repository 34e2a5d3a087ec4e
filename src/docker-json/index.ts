/** JSON of Docker's API as its Go code reads it: the decoder, and the tables of the Go types that bodies hold. Pure. */
import { CONTAINER_TYPES } from './containers.ts';
import { NETWORK_TYPES } from './networks.ts';
import { REGISTRY_TYPES } from './registry.ts';
import { SWARM_TYPES } from './swarm.ts';
import { compileGoTypes, type GoType, type GoTypes } from './types.ts';

export { checkValue, depthProblem } from './check.ts';
export { goDecode, GoJsonError } from './decode.ts';
export { compileGoTypes, type GoType, type GoTypes } from './types.ts';

/** Every type that a body of Docker's API has, for tables that build on them. */
export const DOCKER_TYPES: GoTypes = { ...CONTAINER_TYPES, ...NETWORK_TYPES, ...REGISTRY_TYPES, ...SWARM_TYPES };

const compiled = compileGoTypes(DOCKER_TYPES);

/** A struct by its Go name with package, like `swarm.ServiceSpec`. Throws for a name that no table has. */
export function goStruct(name: string): GoType {
  const type = compiled.get(name);
  if (type?.kind !== 'struct') throw new Error(`no such Go struct: ${name}`);
  return type;
}
