/** What this room needs of the world. What it offers is contracts/allocator.ts. */
import type { Ledger } from '../store/ledger/contract.ts';

export interface DhcpDeps {
  /** Read only: the caller commits the plans. One that cannot be watched is only planned on, and never swept. */
  readonly ledger: Pick<Ledger, 'get' | 'list' | 'unreadable'> & Partial<Pick<Ledger, 'watch'>>;
  /** CIDR from which subnets are allocated. */
  readonly pool: string;
  /** 64 hex digits; IPv6 subnets that nobody named are from the range that it gives. Undefined: none can be. */
  readonly clusterId?: string;
  /** Prefix length of a network without a size. */
  readonly defaultPrefix: number;
  /** How long a released address is not leased again: longer than DNS and ARP caches keep it. */
  readonly restMs: number;
  readonly epoch: number;
  readonly now: () => number;
  /** The subnet that was allocated last, by another allocator over the same ledger, also where its network was removed since. */
  readonly newest?: string | undefined;
  /** 64 hex digits. */
  readonly newId: () => string;
}
