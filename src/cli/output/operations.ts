/** `arpanet operations` as a table. Pure. */
import type { OperationReport } from '../../operator-api/index.ts';
import { moment, table } from './table.ts';

export function operationsTable(operations: readonly OperationReport[], width?: number): string {
  const rows = operations.map(({ id, what, user, startedAtMs, endedAtMs, state, progress, error }) => [
    id,
    what.replace('/arpanet/v1', ''),
    user ?? '-',
    moment(startedAtMs),
    endedAtMs === undefined ? state : `${state} after ${((endedAtMs - startedAtMs) / 1000).toFixed(1)} s`,
    error ?? progress.at(-1) ?? '',
  ]);
  return table(['OPERATION', 'WHAT', 'USER', 'BEGAN', 'STATE', 'LAST'], rows, width);
}
