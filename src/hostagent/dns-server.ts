/** The agent's DNS, as the parts of this room see it. */
import type { HostDns } from '../model/facts.ts';
import type { NameChange, NameTable } from '../model/name-table.ts';
import type { DnsFigures } from './load/metrics.ts';
import type { ConsulQuestions } from './stream/consul-questions.ts';

/** The agent's DNS, port 53. */
export interface DnsServer {
  /** Idempotent. `of`: the subnet whose containers it is for. */
  listen(address: string, of?: string): Promise<void>;
  unlisten(address: string): Promise<void>;
  table(table: NameTable): void;
  /** Of the table that it has. */
  change(change: NameChange): void;
  /** Its table is what the leader had at this time. */
  confirm(atMs: number): void;
  /** What the Engine gives to containers. */
  ofEngine?(dns: HostDns): void;
  /**
   * `leadsTo`: whether the kernel of the container with the address `client` leads a service's address to its instances; such a one is answered with that.
   * `settled`: what its queries wait for.
   */
  services?(of: { leadsTo(client: string, vip: string): boolean; settled(client: string): Promise<void> | undefined }): void;
  /** How Consul's DNS is asked; undefined: not at all. */
  askConsul?(ask: ConsulQuestions['ask'] | undefined): void;
  stats(): DnsFigures;
}
