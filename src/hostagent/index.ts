/**
 * Job: one host's part of the cluster. In: the leader's plans, names and commands over one stream, and its connections to the engine gateway.
 * Out: the Engine's containers, images, volumes and load; networks made as planned (bridge and VXLAN); image copies between hosts.
 * Invariants: facts are sent before the event that changed them; no stream or tunnel is served whose epoch is lower than the highest seen;
 * stopping the agent stops nothing else; without a leader the host goes on as it is.
 */
export { startAgent } from './agent.ts';
export type { AgentOptions } from './agent-options.ts';
