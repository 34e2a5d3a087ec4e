/** Images over all hosts. */

export interface FoundImage {
  /** `sha256:` and 64 hex digits. */
  readonly id: string;
  /** The alive hosts that hold it. */
  readonly holders: ReadonlySet<string>;
  /** The same, the least loaded first: made when it is asked for. */
  readonly hosts: readonly string[];
}

export interface Images {
  /** What a reference means in the whole cluster (the tag that was set last wins). Undefined: unknown everywhere. */
  readonly find: (reference: string) => FoundImage | undefined;
  /** Tags as the cluster sees them: reference -> image id. */
  readonly tags: () => ReadonlyMap<string, string>;
  /** Makes sure that the host holds the image that the reference means; copies it from a host that has it. Throws `not-found` when none has it. */
  readonly ensure: (host: string, reference: string, signal: AbortSignal) => Promise<void>;
  /** The host for builds, loads and pulls: stays the same while it lives, so that caches are reused. Throws `unavailable` when no host is alive. */
  readonly builder: () => string;
}
