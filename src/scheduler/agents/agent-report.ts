import type { AgentMessage } from '../../model/index.ts';

/** What an agent sends once it has been welcomed, but for answers to calls and queries for Consul. */
export type AgentReport = Exclude<AgentMessage, { type: 'hello' | 'done' | 'ask-consul' }>;
