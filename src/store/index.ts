/**
 * Job: where the cluster's state lives. One contract, two stores behind it (embedded, Consul), and what the leader builds upon it.
 * In: a directory, or Consul's address. Out: StateStore, Ledger, Catalog, and terms of leadership.
 * Invariants: a transaction holds as a whole or not at all; what was acknowledged survives `kill -9`; nothing is written under a fence whose
 * lock is lost; what the ledger shows is what the store holds plus the commits under way; no two terms have one epoch.
 */
export { type Catalog, type CatalogChange, type CatalogService, openCatalog } from './consul/catalog.ts';
export { openConsul } from './consul/store.ts';
export type { Entry, Fence, Holder, Lock, Operation, StateStore } from './contract.ts';
export { openEmbedded } from './embedded/store.ts';
export { restoreStore } from './restore.ts';
export { campaign, type Term } from './election.ts';
export { openLedger } from './ledger/ledger.ts';
export type { Change, Ledger } from './ledger/contract.ts';
