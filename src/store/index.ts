/**
 * Job: the cluster's state. One contract with two implementations (embedded, Consul), and what the leader builds on it.
 * In: a directory, or Consul's address. Out: StateStore, Ledger, Catalog, and terms of leadership.
 * Invariants: a transaction is done as a whole or not at all; an acknowledged write survives `kill -9`; nothing is written under a fence whose
 * lock is lost; the ledger shows what the store holds plus the commits under way; no two terms have the same epoch.
 */
export { type Catalog, type CatalogChange, type CatalogService, openCatalog } from './consul/catalog.ts';
export { consulDnsAddress } from './consul/dns-address.ts';
export type { ConsulAccess } from './consul/http.ts';
export { openConsul } from './consul/store.ts';
export type { Entry, Fence, Holder, Lock, Operation, StateStore } from './contract.ts';
export { keyFileOf, openEmbedded } from './embedded/store.ts';
export { isSecret } from './sealed-records.ts';
export { restoreStore } from './restore.ts';
export { campaign, type Term } from './election.ts';
export { openLedger } from './ledger/ledger.ts';
export type { Change, Ledger } from './ledger/contract.ts';
