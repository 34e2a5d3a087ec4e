/** The agent's DNS, as the parts of this room see it. */
import type { NameTable } from '../model/name-table.ts';
import type { DnsFigures } from './load/metrics.ts';
import type { ConsulQuestions } from './stream/consul-questions.ts';

/** The agent's DNS, port 53. */
export interface DnsServer {
  /** Idempotent. */
  listen(address: string): Promise<void>;
  unlisten(address: string): Promise<void>;
  table(table: NameTable): void;
  /** The Engine's servers, from its flags or daemon.json; empty: none. */
  engineServers?(servers: readonly string[]): void;
  /** How Consul's DNS is asked; undefined: not at all. */
  askConsul?(ask: ConsulQuestions['ask'] | undefined): void;
  stats(): DnsFigures;
}
