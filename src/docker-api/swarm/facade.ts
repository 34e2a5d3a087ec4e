/**
 * `POST /swarm/init` and `POST /swarm/leave`: whether the services API is shown. It always is, but to a connection by which somebody has left "the swarm"
 * with force, until an init comes by it: clients that begin with an init and end with a leave, as test-suites do, find what they expect,
 * and nothing changes for anybody else. Services go on, hosts stay. State: the leader's memory; a new leader shows it to all.
 */
import { LRUCache } from 'lru-cache';
import { ArpanetError, type Json } from '../../model/index.ts';
import type { Cluster } from '../../contracts/index.ts';

export interface AddressPool {
  readonly ranges: readonly string[];
  /** 0: not given. */
  readonly subnetSize: number;
}

const NO_POOL: AddressPool = { ranges: [], subnetSize: 0 };
const SUBNET_SIZE = 24;
/** A connection that is older than so many others that left is shown it again. */
const MOST_LEFT = 1_000;

export interface Facade {
  /** Connections by which "the swarm" was left. */
  readonly left: LRUCache<string, true>;
  /** Some client has made "the swarm": until then it is nobody's to change or leave without force. */
  isMade: boolean;
  /** Some client has made it once: its settings can be changed. */
  wasMade: boolean;
  /** Of the last init or update. */
  spec: Json;
  /** The addresses that the init named for networks; networks are cut from the cluster's own pool all the same. */
  pool: AddressPool;
  /** Grows with every change. */
  version: number;
  /** How often the join tokens of workers and managers were rotated. */
  readonly rotated: { worker: number; manager: number };
}

const facades = new WeakMap<Cluster, Facade>();

export function facadeOf(cluster: Cluster): Facade {
  const known = facades.get(cluster);
  if (known !== undefined) return known;
  const made: Facade = {
    left: new LRUCache({ max: MOST_LEFT }),
    isMade: false,
    wasMade: false,
    spec: {},
    pool: NO_POOL,
    version: 1,
    rotated: { worker: 0, manager: 0 },
  };
  facades.set(cluster, made);
  return made;
}

/** In Docker's words. */
export const NO_SWARM =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';

/** 503, and no hint to try again: it will be no different in a second. */
const final = (message: string): ArpanetError => new ArpanetError('engine', message, { engineStatus: 503 });

const IN_SWARM = /^\/(?:swarm(?:\/unlockkey|\/update|\/unlock)?$|(?:services|tasks|nodes|secrets|configs)(?:\/|$))/;

/** Whether the services API is shown to requests of this connection. */
export function isShown(cluster: Cluster, connection: string): boolean {
  return !facadeOf(cluster).left.has(connection);
}

/** Throws what an Engine in no swarm answers. */
export function refuseHidden(cluster: Cluster, path: string, connection: () => string): void {
  if (facadeOf(cluster).left.size > 0 && IN_SWARM.test(path) && !isShown(cluster, connection())) throw final(NO_SWARM);
}

export function leave(cluster: Cluster, force: boolean, connection: string): void {
  const facade = facadeOf(cluster);
  if (!isShown(cluster, connection) || (!force && !facade.isMade)) throw final('This node is not part of a swarm');
  if (!force) {
    throw final(
      'You are attempting to leave the swarm on a node that is participating as a manager. Removing the last manager erases all current state of the swarm. Use `--force` to ignore this message. ',
    );
  }
  facade.left.set(connection, true);
  facade.isMade = false;
}

const ALREADY = 'This node is already part of a swarm. Use "docker swarm leave" to leave this swarm and join another one.';

export function init(cluster: Cluster, spec: Json, connection: string, pool: AddressPool = NO_POOL): void {
  const facade = facadeOf(cluster);
  if (isShown(cluster, connection) && facade.isMade) throw final(ALREADY);
  facade.left.delete(connection);
  facade.isMade = true;
  facade.wasMade = true;
  facade.spec = spec;
  facade.pool = { ...pool, subnetSize: pool.subnetSize || (pool.ranges.length > 0 ? SUBNET_SIZE : 0) };
  facade.version += 1;
}

/** Throws what an Engine of a swarm answers, or how hosts and schedulers join. */
export function join(cluster: Cluster, connection: string): never {
  if (isShown(cluster, connection)) throw final(`${ALREADY} ${HOW_TO_JOIN}`);
  throw new ArpanetError('unsupported', `swarm mode is not supported by arpanet: ${HOW_TO_JOIN}`);
}

/** Throws what the manager of a swarm says that is not locked: no swarm is here. */
export function unlock(cluster: Cluster): never {
  if (!facadeOf(cluster).wasMade) throw final(NO_SWARM);
  throw new ArpanetError('conflict', 'swarm is not locked');
}

const HOW_TO_JOIN = 'hosts join by their agents ("arpanet agent --join …"), schedulers by their store';

export function update(
  cluster: Cluster,
  version: number,
  spec: Json,
  rotate: { readonly worker: boolean; readonly manager: boolean },
): void {
  const facade = facadeOf(cluster);
  if (!facade.wasMade) throw final(NO_SWARM);
  if (version !== facade.version) throw new ArpanetError('invalid', 'rpc error: code = Unknown desc = update out of sequence');
  facade.spec = spec;
  facade.version += 1;
  if (rotate.worker) facade.rotated.worker += 1;
  if (rotate.manager) facade.rotated.manager += 1;
}
