/**
 * Job: a subnet for each network, an address for each instance and for each host's gateway.
 * In: what a network or an instance asks for, and the ledger. Out: changes for the caller to commit with its own, or a refusal that says why.
 * Invariants: a subnet has one owner; an address has one lease; an address given back rests before it is another's.
 */
export type { Dhcp, NetworkRequest } from './contract.ts';
export { createDhcp } from './allocator.ts';
