/**
 * Job: services with a desired count: templates, the reconciler that maintains the count, rolling updates, scaling; work moved between hosts: drain,
 * rebalance, what operators do to hosts, replacements for what was lost. In: the cluster view, the ledger, clients' calls. Out: instances created and
 * removed through the scheduler, by role (contracts/).
 * Invariants: compose and operators share one count; what a user stopped stays stopped; nothing is stopped before it has left DNS; an update never goes
 * below the count unless `stop-first` was asked for; all of it continues under the next leader.
 */
export { type ServicesRoom, startServices } from './services.ts';
