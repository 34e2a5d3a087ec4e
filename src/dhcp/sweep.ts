/** Which leases nobody needs any more. */
import type { LeaseRecord } from '../model/index.ts';
import { restedSince } from './lease.ts';

/** What is so at the time of a sweep, as far as one lease is concerned. */
export interface Circumstances {
  readonly isNetworkThere: boolean;
  /** The address that the owner's container record has in the lease's network. */
  readonly recordedIp: string | undefined;
  readonly epoch: number;
  readonly nowMs: number;
  readonly restMs: number;
  /** When this leadership began. */
  readonly beganMs: number;
}

/** Its network is gone, its rest is over, or an earlier leader offered it and no container was ever recorded with it. */
export function isForgotten(lease: LeaseRecord, now: Circumstances): boolean {
  if (!now.isNetworkThere) return true;
  if (lease.state === 'resting') return restedSince(lease, now) + now.restMs <= now.nowMs;
  return lease.state === 'offered' && lease.epoch < now.epoch && now.recordedIp !== lease.ip;
}
