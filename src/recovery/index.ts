/**
 * Job: a cluster's state outside of its store: written to a file and back, or put together again from what Engines and agents know.
 * In: the store's records; a backup file; agents' gateways. Out: a file's text; records for a new store.
 * Invariants: a file that was cut or changed is refused; a new store begins above every epoch that a host has seen; nothing is written to an Engine.
 */
export { type BackedUp, backupText, readBackup, RESTORED_EPOCHS } from './backup-file.ts';
export { gatherHosts } from './gather.ts';
export { caIn, recoveringScheduler, trustRecords } from './trust.ts';
export { planRecovery } from './recover-plan.ts';
export { recoveryText } from './recover-text.ts';
