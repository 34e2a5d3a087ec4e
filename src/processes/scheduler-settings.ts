/** What a scheduler process is started with, flags, environment and file laid over each other. */
import type { LiveSettings } from '../config/index.ts';
import type { Planted } from './injected-bugs.ts';
import type { AnyTripPoint } from './failpoints.ts';

export interface SchedulerSettings {
  readonly name: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** More addresses to listen on. */
  readonly alsoListen: readonly { readonly host: string; readonly port: number }[];
  /** `http://ADDR:PORT` at which the other schedulers and the agents reach this one. */
  readonly advertise: string;
  readonly store: { readonly kind: 'consul'; readonly address: string } | { readonly kind: 'embedded'; readonly dir: string };
  /** What can be changed for the whole cluster while it runs: as this process was started with. */
  readonly own: LiveSettings;
  readonly defaultPrefix: number;
  /** Given by the operator, or undefined: one is made at first start and kept in the store. */
  readonly joinToken: string | undefined;
  /** Where to answer `*.service.consul` with the embedded store; undefined: nowhere. */
  readonly dns: { readonly host: string; readonly port: number } | undefined;
  /** What becomes of it when that address cannot be listened on; rethrows, or goes on without. */
  readonly onDnsTrouble: (error: unknown) => void;
  /** Where published ports are answered while this one leads; undefined: on their hosts alone. */
  readonly publishAt: string | undefined;
  readonly graceMs: number;
  readonly sessionTtlMs: number;
  readonly streamLimit: number;
  readonly eventsBehindBytes: number;
  /** For tests: what happens at a point of the code where a crash would hurt. */
  readonly trip?: (point: AnyTripPoint) => Promise<void>;
  /** For tests: bugs that the fault lab shall find. */
  readonly planted?: Planted;
}
