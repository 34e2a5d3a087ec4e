/** `POST /networks/prune`. */
import { ArpanetError, isKind } from '../../model/index.ts';
import { isSharedBridge, shownLabels } from '../../networks/index.ts';
import { orNull, timestampOf } from '../proxy/prune-hosts.ts';
import { parseFilters } from '../reads/filters.ts';
import { type Exchange, sendJson } from '../request-context.ts';

/** Networks that no running container is on. Those that do not run are taken off it, as by an Engine: their start then names it as not found. */
export async function networksPrune(call: Exchange): Promise<void> {
  const filters = parseFilters(call.query.get('filters')).only('label', 'label!', 'until');
  const [until, ...others] = filters.get('until');
  if (others.length > 0) throw new ArpanetError('invalid', 'more than one until filter specified');
  const untilMs = until === undefined ? Number.POSITIVE_INFINITY : timestampOf(until, call.nowMs);
  const deleted: string[] = [];
  for (const { record, members } of call.cluster.networks.list()) {
    if (isSharedBridge(record) || !filters.prunes(shownLabels(record)) || members.length > 0 || record.createdAtMs > untilMs) continue;
    try {
      await call.cluster.networks.remove(record.id, { evenOfStopped: true });
      deleted.push(record.name);
    } catch (error) {
      if (!isKind(error, 'forbidden', 'conflict', 'not-found')) throw error;
    }
  }
  sendJson(call, 200, { NetworksDeleted: orNull(deleted) });
}
