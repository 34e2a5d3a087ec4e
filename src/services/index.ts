/**
 * Job: services with a replica count: templates, the reconciler that holds the count, rolling updates, scaling. In: the cluster view, the ledger,
 * what clients do through the endpoint. Out: instances made and removed through the scheduler's pipeline.
 * Invariants: what compose keeps and what ops set is one count; what a user stopped stays stopped; nothing leaves before it has left DNS; an
 * update never goes below the count unless stop-first was asked for; all of it goes on under the next leader.
 */
export { type Deployments, startDeployments } from './services.ts';
