/**
 * What a named client gets of a call: a refusal, or the call with all that it is answered from narrowed to what the client may see.
 * An admin without a name, and who may do everything, gets the call as it is.
 */
import { LRUCache } from 'lru-cache';
import type { Cluster } from '../../contracts/index.ts';
import { ArpanetError, isKind } from '../../model/index.ts';
import { type Identity, seesAll } from '../../security/index.ts';
import type { Execs } from '../containers/execs.ts';
import type { Reads } from '../reads/index.ts';
import type { Call } from '../request-context.ts';
import type { ShownOfEngines } from '../system/disk-usage.ts';
import { locate } from '../route-target.ts';
import { judge } from './judge.ts';
import { policedBy, policedCluster, type PolicyOf } from './policed.ts';
import { isPlainPs } from './redact.ts';
import { refuseRoute } from './route-access.ts';
import { scopedCluster } from './scoped-cluster.ts';
import type { Visible } from './visible.ts';

/** Rejects with `forbidden`, or as for what does not exist. */
export type Admit = (call: Call, identity: Identity | undefined) => Promise<Call>;

/** What one set of deployments is answered from. */
interface Scope {
  readonly cluster: Cluster;
  readonly reads: Reads;
}

/** An Engine reads the fields of a form before those of the query, which is what is judged (Go, net/http, Request.Form). */
const FORM = /^\s*(?:application\/x-www-form-urlencoded|multipart\/form-data)/i;

/** So many sets of deployments are kept: each has ready answers of its own. */
const SCOPES_KEPT = 32;

export function createAdmit(
  all: Cluster,
  execs: Execs,
  makeReads: (cluster: Cluster, visible: Visible) => Reads,
  policyOf: PolicyOf,
): Admit {
  const scopes = new LRUCache<string, Scope>({ max: SCOPES_KEPT });

  function scopeOf(identity: Identity): Scope {
    const key = JSON.stringify([identity.name, identity.role, identity.deployments]);
    const kept = scopes.get(key);
    if (kept !== undefined) return kept;
    const { cluster, visible } = scopedCluster(all, identity, policyOf);
    const made = { cluster, reads: makeReads(cluster, visible) };
    scopes.set(key, made);
    return made;
  }

  /** Of who sees everything: reads are as for an admin. */
  async function obedient(call: Call, identity: Identity): Promise<Call> {
    const policy = call.route.method === 'GET' && !call.route.path.startsWith('/distribution/') ? undefined : policyOf(identity.role);
    if (policy === undefined) return call;
    await judge(call, policy, identity.role);
    return { ...call, cluster: policedCluster(all, policedBy(identity, policyOf, all)) };
  }

  return async (call, identity) => {
    if (identity === undefined) return call;
    if (FORM.test(call.req.headers['content-type'] ?? ''))
      throw new ArpanetError('invalid', `${call.route.method} ${call.route.path} takes no form: give its parameters in the query`);
    if (seesAll(identity)) return await obedient(call, identity);
    const { path } = call.route;
    const refusal = refuseRoute(identity, call.route);
    if (refusal !== undefined) throw new ArpanetError('forbidden', refusal);
    const isRedacted = identity.role === 'viewer';
    if (isRedacted && path.endsWith('/top') && !isPlainPs(call.query.get('ps_args')))
      throw new ArpanetError(
        'forbidden',
        `${identity.name} has the role viewer, and what ps may show of environments needs the role deployer`,
      );
    if (identity.deployments === undefined) return { ...call, isRedacted };
    const { cluster, reads } = scopeOf(identity);
    const scoped: Call = { ...call, cluster, reads, isRedacted, isScoped: true };
    await mustExist(scoped, execs);
    const policy = policyOf(identity.role);
    if (policy !== undefined) await judge(scoped, policy, identity.role);
    // its container and image are the cluster's own, of no deployment
    return path === '/build' ? { ...call, isRedacted } : scoped;
  };
}

/** Of what Engines list themselves. */
export function shownTo(all: Cluster, visible: Visible): ShownOfEngines {
  const volume = (name: string): boolean => {
    try {
      return visible.volume(all.volumes.one(name));
    } catch (error) {
      if (isKind(error, 'not-found')) return false;
      throw error;
    }
  };
  return { container: visible.hasContainer, volume };
}

/** What the path or the query names must exist for this client, before an Engine, which knows of no deployments, is asked about it. */
async function mustExist(call: Call, execs: Execs): Promise<void> {
  const { route, params, query, cluster } = call;
  const { path } = route;
  if (path.startsWith('/containers/{id}')) return await mustBeOwn(call, params['id'] ?? '');
  if (path === '/commit' && query.get('container')) return await mustBeOwn(call, query.get('container') ?? '');
  if (path.startsWith('/exec/')) {
    const { container } = await locate(call, 'exec', execs);
    if (container === undefined) throw new ArpanetError('not-found', `No such exec instance: ${params['id'] ?? ''}`);
  }
  if (path !== '/build') return;
  const mode = query.get('networkmode') ?? '';
  const [, shared] = /^container:(.*)$/s.exec(mode) ?? [];
  if (shared !== undefined) cluster.containers.one(shared);
  else if (!['', 'default', 'bridge', 'none', 'host'].includes(mode)) cluster.networks.one(mode);
}

/** A create that is under way is waited for, as by everybody. */
async function mustBeOwn({ cluster }: Call, reference: string): Promise<void> {
  try {
    cluster.containers.one(reference);
  } catch (error) {
    if (!isKind(error, 'not-found') || !(await cluster.containers.awaitCreate(reference))) throw error;
  }
}
