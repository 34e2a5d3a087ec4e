/** Removal, by name or id, of records that cannot be read: they are in no list, and nothing else would ever remove them. */
import { isKind, keys, type UnreadableRecord } from '../../model/index.ts';
import type { Exchange } from '../request-context.ts';
import { ids } from '../../text/swarm-ids.ts';

/** Kinds of records that the API removes by name. */
export type RecordKind = 'service' | 'network' | 'volume' | 'container' | 'secret' | 'config';

const PREFIX: Readonly<Record<RecordKind, string>> = {
  service: keys.services,
  network: keys.networks,
  volume: keys.volumes,
  container: keys.containers,
  secret: keys.secretsOf('secret'),
  config: keys.secretsOf('config'),
};

/** Calls `remove`; where it finds nothing of that name, a record that cannot be read and is called so is deleted. Rejects as `remove` does. */
export async function removeUnreadableToo(
  call: Exchange,
  kind: RecordKind,
  reference: string,
  remove: () => Promise<unknown>,
): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!isKind(error, 'not-found') || !(await discardUnreadable(call, kind, reference))) throw error;
  }
}

/** Whether there was one that is called so. Rejects as a commit does. */
export async function discardUnreadable(call: Exchange, kind: RecordKind, reference: string): Promise<boolean> {
  const { leader } = call.cluster;
  const found = leader.unreadable().find((one) => one.key.startsWith(PREFIX[kind]) && namesOf(kind, one).includes(reference));
  if (found === undefined) return false;
  await leader.discard(found.key);
  return true;
}

/** Everything that the record may be called by: what its key says, and what it says itself. */
function namesOf(kind: RecordKind, { key, name }: UnreadableRecord): readonly string[] {
  const own = key.slice(PREFIX[kind].length);
  const named = name === undefined ? [own] : [own, name];
  if (kind !== 'service') return named;
  const [deployment = '', service = ''] = own.split('/');
  return [...named, `${deployment}_${service}`, ids.service(deployment, service), ...(deployment === 'default' ? [service] : [])];
}
