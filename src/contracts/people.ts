/** Who may use the cluster: people with certificates. */
import type { Identity, Peer } from '../security/index.ts';

export interface People {
  /** Who the certificate's holder is now. Undefined: an admin. Throws `unauthorized`. */
  readonly identify: (peer: Peer) => Identity | undefined;
  /** Calls `listener` after somebody was added, changed or removed, until `signal` aborts. */
  readonly onChange: (listener: () => void, signal: AbortSignal) => void;
}
