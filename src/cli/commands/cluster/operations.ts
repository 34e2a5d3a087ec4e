/** `arpanet operations`: long work of the cluster, and one of it until its end. Effects: HTTP requests, the terminal. */
import { clientCall, type Terminal } from '../../command.ts';
import { type ListFlags, showList } from '../../list.ts';
import { operationsTable } from '../../output/operations.ts';
import { followWork } from '../../output/work.ts';

/** Without an id the last hundred; with one its progress, until it ends. Throws `conflict` with its error where it failed. */
export async function showOperations(id: string | undefined, flags: ListFlags, terminal: Terminal): Promise<void> {
  const { api } = clientCall(flags, terminal);
  if (id === undefined) {
    const fetch = () => api.v1.call('getOperations');
    return await showList(fetch, { text: operationsTable, rows: (all) => all, key: (one) => one.id }, flags, terminal);
  }
  if (flags.json !== true) await followWork(api, id, terminal.say);
  const report = await api.v1.call('getOperationsOne', { operation: id });
  terminal.out(flags.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : `${operationsTable([report], terminal.columns)}\n`);
}
