/** The containers of the cluster: those that exist, and what the cluster itself does around an Engine's call on one. */
import type { ContainerView, CreateContainer, LabelVerdict } from '../model/index.ts';

export interface CreatedContainer {
  /** 64 hex digits. */
  readonly id: string;
  readonly warnings: readonly string[];
}

export interface Containers {
  readonly list: () => readonly ContainerView[];
  /** Full id, unique prefix, name, `/name`, `host/name`. Throws `not-found` / `invalid` (ambiguous prefix) in Docker's words. */
  readonly one: (reference: string) => ContainerView;
  /**
   * For a reference that `one` does not know: waits for a create of that name that is under way. Whether the container exists now.
   * Throws `unavailable` while that cannot be known.
   */
  readonly awaitCreate: (reference: string) => Promise<boolean>;
  /**
   * For a removal of what `one` does not know: abandons an incomplete create whose host is unreachable. Whether there was one; its name and
   * addresses are free then.
   */
  readonly abandonCreate: (reference: string) => Promise<boolean>;
  /**
   * Places the container, creates it on its host, and records it; not started. A failure at any step, or an aborted `signal`, undoes what was done.
   * Throws `conflict` (name taken), `invalid`, `not-found` (image), `unplaceable`, `unavailable`, `exhausted` (no address left).
   */
  readonly create: (create: CreateContainer) => Promise<CreatedContainer>;
  /**
   * Call around what stops a container (stop, kill, rm -f, restart, pause): takes its names out of DNS and catalog, then calls `act`. The names
   * come back by themselves if the container goes on. `drains`: a container that runs is left running for its drain time before `act`, or for `drainMs`. Before that the hosts whose
   * kernels lead calls to it have confirmed that they do not any more, or had 3 s.
   */
  readonly withdrawn: <T>(
    container: ContainerView,
    act: () => Promise<T>,
    options?: { readonly drains?: boolean; readonly drainMs?: number },
  ) => Promise<T>;
  /** After the Engine removed it: gives back addresses, names, record, and networks nobody uses. */
  readonly release: (container: ContainerView) => Promise<void>;
  /** Claims the new name, runs `act` (the Engine's own rename), records it; undoes the claim if `act` throws. Throws `conflict` for a taken name. */
  readonly rename: (container: ContainerView, name: string, act: () => Promise<void>) => Promise<void>;
  /** Takes the link of this alias, and the names that it gave, from the container that has it. */
  readonly unlink: (container: ContainerView, alias: string) => Promise<void>;
  /** Creates the replacement of a container whose host is lost: same name, number, addresses and networks, not started. Throws as `create` does. */
  readonly replaceLost: (name: string, requestId: string, signal: AbortSignal) => Promise<{ readonly id: string }>;
  /** Removes, for everybody, a container whose host is down; the Engine's own goes when the host is back. */
  readonly abandonLost: (container: ContainerView) => Promise<void>;
  /** What the labels of a container prove. One that the store has a record of does not need them. */
  readonly verdict: (container: ContainerView) => LabelVerdict;
}
