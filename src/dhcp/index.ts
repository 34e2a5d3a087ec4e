/**
 * Job: a subnet for each network, an address for each instance and for each host's gateway.
 * In: the request for a network or an address, and the ledger. Out: changes that the caller commits with its own, or an error with the reason.
 * Invariants: a subnet has one owner; an address has one lease; a released address rests before it is leased again.
 */
export { createDhcp } from './allocator.ts';
