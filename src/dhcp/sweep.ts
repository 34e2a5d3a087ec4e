/** Which leases are no longer needed. Pure. */
import type { LeaseRecord } from '../model/index.ts';
import { restedSince } from './lease.ts';

/** What decides about one lease at the time of a sweep. */
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

/** Its network is removed, it has rested, or an earlier leader offered it and no container was recorded with it. */
export function isUnneeded(lease: LeaseRecord, now: Circumstances): boolean {
  if (!now.isNetworkThere) return true;
  if (lease.state === 'resting') return restedSince(lease, now) + now.restMs <= now.nowMs;
  return lease.state === 'offered' && lease.epoch < now.epoch && now.recordedIp !== lease.ip;
}
