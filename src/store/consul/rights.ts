/** Which right of Consul's ACLs a call needs (pure). Consul 1.8 and later: it says "Permission denied", and not for what. */
const KEYS = 'key_prefix "arpanet/" { policy = "write" }';
const SESSIONS = 'session_prefix "" { policy = "write" }';
const NODES = 'node_prefix "arpanet-" { policy = "write" }';
const SERVICES = 'service_prefix "" { policy = "write" }';

/** Of everything together: the smallest policy with which a scheduler works. */
export const SMALLEST_POLICY: readonly string[] = [KEYS, SESSIONS, NODES, SERVICES];

/** As a policy has it. `operation`: which one of a transaction was denied. */
export function rightFor({ path, body }: { readonly path: string; readonly body?: unknown }, operation = 0): string {
  const kind = path.split('/')[1];
  if (kind === 'session') return SESSIONS;
  if (kind === 'agent') return 'agent_prefix "" { policy = "read" }';
  if (kind === 'catalog' || kind === 'health') return NODES;
  const verb: unknown = kind === 'txn' && Array.isArray(body) ? body[operation] : undefined;
  const [of = 'KV'] = typeof verb === 'object' && verb !== null ? Object.keys(verb) : [];
  return { Node: NODES, Service: SERVICES, Check: SERVICES }[of] ?? KEYS;
}

/** Of a transaction that was refused (409): the first operation that the token may not do; undefined: it was refused for another reason. */
export function deniedOperation(body: unknown): number | undefined {
  const errors: unknown = typeof body === 'object' && body !== null && 'Errors' in body ? body.Errors : undefined;
  if (!Array.isArray(errors)) return undefined;
  const found = (errors as readonly { readonly OpIndex?: unknown; readonly What?: unknown }[]).find(
    ({ What }) => typeof What === 'string' && /permission denied/i.test(What),
  );
  return found === undefined ? undefined : Number(found.OpIndex);
}
