/** References to objects of the swarm API. Pure. */
import { ArpanetError } from '../../model/index.ts';
import { meantBy, type Referable } from '../../text/references.ts';

/**
 * The one object that is meant; undefined: none is. Throws `invalid` when several are.
 * Source: moby daemon/cluster/helpers.go, `getNode`: status 400.
 */
export function oneMeant<T>(kind: string, reference: string, all: readonly T[], of: (object: T) => Referable): T | undefined {
  const matches = meantBy(reference, all, of);
  if (matches.length > 1) throw new ArpanetError('invalid', `${kind} ${reference} is ambiguous (${matches.length} matches found)`);
  return matches[0];
}
