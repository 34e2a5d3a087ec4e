/** Why a container is where it is: what was kept of the decision and, where that is not all, the rest made again. */
import type { Placements } from '../../contracts/index.ts';
import type { ContainerRecord, Explained, Made } from '../../model/index.ts';

/** `rehearse` is asked only where the best and some examples were kept: a look at all hosts. */
export function explained(record: ContainerRecord, rehearse: Placements['rehearse']): Explained {
  const { name, request, decision, createdAtMs, requestId, stagesMs } = record;
  const made: Made = { atMs: createdAtMs, ...(requestId !== undefined && { requestId }), ...(stagesMs !== undefined && { stagesMs }) };
  if (decision.counts === undefined && decision.among === undefined) return { ...decision, made };
  const [again] = rehearse([{ name, request, isReplacement: true }]);
  return { ...decision, made, ...(again !== undefined && { again }) };
}
