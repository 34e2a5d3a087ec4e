/** What this room is given when a leadership begins; processes/leadership.ts wires it. */
import type { RehearsedCreate, Scheduler } from '../contracts/index.ts';
import type { FailpointHook, Placement } from '../model/index.ts';
import type { Ledger } from '../store/ledger/contract.ts';
import type { Logger } from '../telemetry/log.ts';

export interface ServicesDeps {
  readonly scheduler: Pick<
    Scheduler,
    'leader' | 'view' | 'hosts' | 'containers' | 'networks' | 'images' | 'engines' | 'placement' | 'agents' | 'names' | 'events'
  >;
  readonly ledger: Ledger;
  readonly log: Logger;
  /** Milliseconds of the leader's monotonic clock. */
  readonly now: () => number;
  /** 64 random hex digits. */
  readonly newId: () => string;
  /** A host that has been unreachable for so many ms is lost: what ran there is started elsewhere. */
  readonly lostAfterMs: () => number;
  /** Whether `restart: always` or `unless-stopped` of a compose service lets it start elsewhere when its host is lost. */
  readonly isRestartEnough: () => boolean;
  /** Where these would go, one after the other, if they were created now, and whether there is an address for each. Changes nothing. */
  readonly rehearse: (creates: readonly RehearsedCreate[]) => readonly Placement[];
  /** Awaited at the points of model/failpoints.ts. */
  readonly failpoint: FailpointHook;
}
