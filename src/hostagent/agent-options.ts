/** What an agent is started with. */
import type { HttpListen } from './http/plan.ts';

/** Settings of one agent. */
export interface AgentOptions {
  readonly name: string;
  /** This host's own address: other hosts reach it there, and the overlay starts there. */
  readonly address: string;
  /** `ADDR:PORT` of the engine gateway. */
  readonly listen: string;
  /** URLs of schedulers. */
  readonly join: readonly string[];
  readonly token: string;
  /** `unix:///…` or `tcp://…`. */
  readonly engine: string;
  readonly labels: Readonly<Record<string, string>>;
  /** none: containers reach other hosts' containers by no overlay; for machines where the agent may not make network devices. */
  readonly overlay: 'vxlan' | 'none';
  /** Where this host answers for names of HTTP; absent: nowhere. */
  readonly http?: HttpListen;
  readonly dataDir: string;
  readonly version: string;
}
