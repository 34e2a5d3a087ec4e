/**
 * Effects: Consul's service catalog, written under the leader's fence (HTTP).
 * Nodes written here have the metadata `external-node`: no Consul agent is responsible for them.
 */
import { mapBounded } from '../../async/limit.ts';
import { ArpanetError } from '../../model/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import { type ConsulAccess, createConsulHttp } from './http.ts';
import type { Fence } from '../contract.ts';
import { MAX_OPERATIONS } from '../limits.ts';

/** One instance as a service of the Consul catalog (Consul HTTP API, /v1/catalog/register). */
export interface CatalogService {
  readonly node: string;
  readonly nodeAddress: string;
  readonly id: string;
  readonly service: string;
  readonly tags: readonly string[];
  readonly address: string;
  readonly port?: number;
  readonly meta: Readonly<Record<string, string>>;
  /** Status of its check, if it has one. Consul's DNS leaves out what is critical. */
  readonly status?: 'warning' | 'critical' | undefined;
}

/** One change of the catalog. */
export type CatalogChange =
  | { readonly kind: 'node'; readonly node: string; readonly address: string }
  /** Registers the node, too. `isCheckOver`: it had a check, and has none any more. */
  | { readonly kind: 'register'; readonly service: CatalogService; readonly isCheckOver?: true }
  | { readonly kind: 'deregister'; readonly node: string; readonly id: string }
  /** Removes the node with all its services. */
  | { readonly kind: 'deregister-node'; readonly node: string };

/** The part of the Consul catalog that the cluster owns: one node for each host, one service for each instance. */
export interface Catalog extends Disposable {
  /** All services on nodes whose name begins with `nodePrefix`; `only`: on these of them. Throws `unavailable`. */
  list(nodePrefix: string, only?: readonly string[]): Promise<readonly CatalogService[]>;
  /** Names of the nodes whose name begins with `nodePrefix`. Throws `unavailable`. */
  nodes(nodePrefix: string): Promise<readonly string[]>;
  /** Another number after every change of a node or service, by whomever. Its answer is as short with many of them. Throws `unavailable`. */
  changeIndex(): Promise<number>;
  /** In order, in as few transactions as possible; each is done as a whole or not at all. Throws `unavailable`, `not-leader`, `conflict`. */
  apply(changes: readonly CatalogChange[], fence: Fence): Promise<void>;
}

export interface CatalogDeps extends ConsulAccess {
  readonly log: Logger;
}

/** Nodes that are read at a time: Consul ends connections beyond 200 of one client (`http_max_conns_per_client`). */
const READ_AT_ONCE = 16;
const NODE_META = { 'external-node': 'true' };

interface NodeServices {
  readonly Node: { readonly Node: string; readonly Address: string };
  readonly Services: Readonly<Record<string, StoredService>>;
}
interface StoredService {
  readonly ID: string;
  readonly Service: string;
  readonly Tags: readonly string[] | null;
  readonly Address: string;
  readonly Port: number;
  readonly Meta: Readonly<Record<string, string>> | null;
}

interface StoredCheck {
  readonly ServiceID: string;
  readonly Status: string;
}

/** `address` is Consul's HOST:PORT. Throws `invalid` for a wrong address. */
export function openCatalog(address: string, { log, ...access }: CatalogDeps): Catalog {
  const http = createConsulHttp(address, access);

  async function servicesOf(node: string): Promise<readonly CatalogService[]> {
    const { body } = await http.call({ method: 'GET', path: `/catalog/node/${encodeURIComponent(node)}`, query: { consistent: '' } });
    const found = body as NodeServices | null;
    const { body: checks } = await http.call({
      method: 'GET',
      path: `/health/node/${encodeURIComponent(node)}`,
      query: { consistent: '' },
    });
    const statusOf = new Map((checks as readonly StoredCheck[] | null)?.map(({ ServiceID, Status }) => [ServiceID, Status]));
    return Object.values(found?.Services ?? {}).map((service) =>
      toService(found?.Node ?? { Node: node, Address: '' }, service, statusOf.get(service.ID)),
    );
  }

  async function nodes(nodePrefix: string): Promise<readonly string[]> {
    const { body } = await http.call({ method: 'GET', path: '/catalog/nodes', query: { consistent: '' } });
    return (body as readonly { readonly Node: string }[]).map(({ Node }) => Node).filter((name) => name.startsWith(nodePrefix));
  }

  return {
    nodes,
    async changeIndex() {
      // no node has this metadata: the answer is empty, and its index that of the whole table
      const query = { 'node-meta': 'arpanet-none:none', consistent: '' };
      return (await http.call({ method: 'GET', path: '/catalog/services', query })).index;
    },
    async list(nodePrefix, only) {
      const names = only?.filter((name) => name.startsWith(nodePrefix)) ?? (await nodes(nodePrefix));
      return (await mapBounded(names, READ_AT_ONCE, servicesOf)).flat();
    },
    async apply(changes, fence) {
      const session = { KV: { Verb: 'check-session', Key: fence.key, Session: fence.session } };
      for (const operations of transactions(changes)) {
        const { status, body } = await http.call({ method: 'PUT', path: '/txn', body: [session, ...operations], also: [409] });
        if (status === 409) throw refusal(body, fence);
        log.debug({ operations: operations.length }, 'catalog written');
      }
    },
    [Symbol.dispose]: () => http.close(),
  };
}

function toService(node: NodeServices['Node'], stored: StoredService, status: string | undefined): CatalogService {
  return {
    node: node.Node,
    nodeAddress: node.Address,
    id: stored.ID,
    service: stored.Service,
    tags: stored.Tags ?? [],
    address: stored.Address,
    ...(stored.Port === 0 ? {} : { port: stored.Port }),
    meta: stored.Meta ?? {},
    ...((status === 'warning' || status === 'critical') && { status }),
  };
}

/** The operations of each transaction, the fence left out: as many as one takes. In each a node is written once, before its first service. */
function transactions(changes: readonly CatalogChange[]): readonly (readonly object[])[] {
  const made: object[][] = [];
  let nodes = new Set<string>();
  for (const change of changes) {
    const last = made.at(-1);
    const operations = operationsOf(change, nodes);
    if (last !== undefined && last.length + operations.length < MAX_OPERATIONS) last.push(...operations);
    else {
      nodes = new Set();
      made.push([...operationsOf(change, nodes)]);
    }
  }
  return made;
}

/** `written`: nodes that the transaction has written before. */
function operationsOf(change: CatalogChange, written: Set<string>): readonly object[] {
  const node = (name: string, address: string): readonly object[] => {
    if (written.has(name)) return [];
    written.add(name);
    return [{ Node: { Verb: 'set', Node: { Node: name, Address: address, Meta: NODE_META } } }];
  };
  switch (change.kind) {
    case 'node':
      return node(change.node, change.address);
    case 'register':
      return [...node(change.service.node, change.service.nodeAddress), ...register(change.service, change.isCheckOver)];
    case 'deregister':
      // Consul deletes by the ID, but refuses a service without a name.
      return [{ Service: { Verb: 'delete', Node: change.node, Service: { ID: change.id, Service: change.id } } }];
    default:
      written.delete(change.node);
      return [{ Node: { Verb: 'delete', Node: { Node: change.node } } }];
  }
}

const checkId = (id: string): string => `${id}.ready`;

function register({ node, id, service, tags, address, port, meta, status }: CatalogService, isCheckOver = false): readonly object[] {
  const entry = { ID: id, Service: service, Tags: tags, Address: address, Port: port ?? 0, Meta: meta };
  const check = {
    Node: node,
    CheckID: checkId(id),
    ServiceID: id,
    Name: 'ready: running, and healthy if it has a health check',
    Status: status,
  };
  return [
    { Service: { Verb: 'set', Node: node, Service: entry } },
    ...(status === undefined ? [] : [{ Check: { Verb: 'set', Check: check } }]),
    ...(isCheckOver ? [{ Check: { Verb: 'delete', Check: { Node: node, CheckID: checkId(id) } } }] : []),
  ];
}

function refusal(body: unknown, fence: Fence): ArpanetError {
  const { Errors } = body as { readonly Errors: readonly { readonly OpIndex: number; readonly What: string }[] };
  if (Errors.some(({ OpIndex }) => OpIndex === 0)) return new ArpanetError('not-leader', `the lock ${fence.key} is no longer held`);
  const cause = new Error(Errors.map(({ What }) => What).join('; '));
  return new ArpanetError('conflict', 'Consul refused to change its catalog', { cause });
}
