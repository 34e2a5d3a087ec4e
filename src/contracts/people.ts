/** People with certificates: those that may use the cluster. */
import type { Identity, Client } from '../security/index.ts';

export interface People {
  /** The certificate's holder, as the store has it now. Undefined: an admin. Throws `unauthorized`. */
  readonly identify: (peer: Client) => Identity | undefined;
  /** Calls `listener` after somebody was added, changed or removed, until `signal` aborts. */
  readonly onChange: (listener: () => void, signal: AbortSignal) => void;
}
