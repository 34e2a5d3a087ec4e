/**
 * Job: one host's part of the cluster. In: the leader's plans, names and calls over one stream, and its connections to the engine gateway.
 * Out: the Engine's containers, images, volumes and load; networks made as planned (bridge and VXLAN); image copies between hosts.
 * Invariants: facts go up before the event that made them; no stream or tunnel of an epoch lower than the highest ever seen is served;
 * stopping the agent stops nothing else; with no leader the host goes on as it was.
 */
export { startAgent, type AgentOptions } from './agent.ts';
