/**
 * `POST /swarm/init` and `POST /swarm/leave`: whether the services API is shown. It is, until somebody leaves "the swarm" with force, and again after an init: clients that begin with
 * `docker swarm init` and end with `docker swarm leave --force`, as test-suites do, find what they expect. Nothing else changes: services go
 * on, hosts stay. State: the leader's memory; a new leader shows it again.
 */
import { ArpanetError, type Json } from '../../model/index.ts';
import type { Cluster } from '../../contracts/index.ts';

export interface AddressPool {
  readonly ranges: readonly string[];
  /** 0: not given. */
  readonly subnetSize: number;
}

const NO_POOL: AddressPool = { ranges: [], subnetSize: 0 };
const SUBNET_SIZE = 24;

export interface Facade {
  isShown: boolean;
  /** Some client has made "the swarm": until then it is nobody's to change or leave without force. */
  isMade: boolean;
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
  const made: Facade = { isShown: true, isMade: false, spec: {}, pool: NO_POOL, version: 1, rotated: { worker: 0, manager: 0 } };
  facades.set(cluster, made);
  return made;
}

/** In Docker's words. */
export const NO_SWARM =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';

/** 503, and no hint to try again: it will be no different in a second. */
const final = (message: string): ArpanetError => new ArpanetError('engine', message, { engineStatus: 503 });

const IN_SWARM = /^\/(?:swarm(?:\/unlockkey|\/update|\/unlock)?$|(?:services|tasks|nodes|secrets|configs)(?:\/|$))/;

/** Throws what an Engine in no swarm answers. */
export function refuseHidden(cluster: Cluster, path: string): void {
  if (IN_SWARM.test(path) && !facadeOf(cluster).isShown) throw final(NO_SWARM);
}

export function leave(cluster: Cluster, force: boolean): void {
  const facade = facadeOf(cluster);
  if (!facade.isShown || (!force && !facade.isMade)) throw final('This node is not part of a swarm');
  if (!force) {
    throw final(
      'You are attempting to leave the swarm on a node that is participating as a manager. Removing the last manager erases all current state of the swarm. Use `--force` to ignore this message. ',
    );
  }
  facade.isShown = false;
}

const ALREADY = 'This node is already part of a swarm. Use "docker swarm leave" to leave this swarm and join another one.';

export function init(cluster: Cluster, spec: Json, pool: AddressPool = NO_POOL): void {
  const facade = facadeOf(cluster);
  if (facade.isShown && facade.isMade) throw final(ALREADY);
  facade.isShown = true;
  facade.isMade = true;
  facade.spec = spec;
  facade.pool = { ...pool, subnetSize: pool.subnetSize || (pool.ranges.length > 0 ? SUBNET_SIZE : 0) };
  facade.version += 1;
}

/** Throws what an Engine of a swarm answers, or how hosts and schedulers join. */
export function join(cluster: Cluster): never {
  if (facadeOf(cluster).isShown) throw final(`${ALREADY} ${HOW_TO_JOIN}`);
  throw new ArpanetError('unsupported', `swarm mode is not supported by arpanet: ${HOW_TO_JOIN}`);
}

const HOW_TO_JOIN = 'hosts join by their agents ("arpanet agent --join …"), schedulers by their store';

export function update(
  cluster: Cluster,
  version: number,
  spec: Json,
  rotate: { readonly worker: boolean; readonly manager: boolean },
): void {
  const facade = facadeOf(cluster);
  if (!facade.isMade) throw final(NO_SWARM);
  if (version !== facade.version) throw new ArpanetError('invalid', 'rpc error: code = Unknown desc = update out of sequence');
  facade.spec = spec;
  facade.version += 1;
  if (rotate.worker) facade.rotated.worker += 1;
  if (rotate.manager) facade.rotated.manager += 1;
}
