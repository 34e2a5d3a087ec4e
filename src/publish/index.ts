/**
 * Job: published ports answer at the endpoint, too, as on one machine; each call goes through the host's gateway to where the port is.
 */
export type { Target } from './plan.ts';
export { startPublishing } from './relay.ts';
