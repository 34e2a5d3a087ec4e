/** Why a container is where it is: what was kept of the decision and, where that is not all, the rest made again. */
import type { Placements } from '../../contracts/index.ts';
import type { ContainerRecord, Explained } from '../../model/index.ts';

/** `rehearse` is asked only where the best and some examples were kept: a look at all hosts. */
export function explained({ name, request, decision }: ContainerRecord, rehearse: Placements['rehearse']): Explained {
  if (decision.counts === undefined && decision.among === undefined) return decision;
  const [again] = rehearse([{ name, request, isReplacement: true }]);
  return again === undefined ? decision : { ...decision, again };
}
