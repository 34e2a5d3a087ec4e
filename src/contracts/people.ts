/** People with certificates: those that may use the cluster. */
import type { Client, Identity, Policy, Role } from '../security/index.ts';

export interface People {
  /** The certificate's holder, as the store has it now. Undefined: an admin. Throws `unauthorized`. */
  readonly identify: (peer: Client) => Identity | undefined;
  /** Whether there is somebody who may not do everything: a viewer or a deployer. */
  readonly areLimited: () => boolean;
  /** What this role has to obey, as the store has it now. Undefined: nothing. Throws `unavailable` where its record cannot be read. */
  readonly policy: (role: Role) => Policy | undefined;
  /** Calls `listener` after somebody was added, changed or removed, until `signal` aborts. */
  readonly onChange: (listener: () => void, signal: AbortSignal) => void;
}
