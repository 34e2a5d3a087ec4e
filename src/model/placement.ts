/** What placement says of one create request; kept with the container and shown by `explain`. Plain JSON. */
export interface Refusal {
  readonly host: string;
  /** The filter that refused: `availability`, `memory`, `host-port`, … */
  readonly rule: string;
  /** The rule's figures, for a person: `needs 512 MiB, 100 MiB of 2 GiB unreserved`. */
  readonly why: string;
}

export interface ScoredHost {
  readonly host: string;
  /** Higher is better. */
  readonly score: number;
  /** The figures the score was made from. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface Decision {
  readonly host: string;
  readonly strategy: string;
  readonly atMs: number;
  /** Best first. */
  readonly scored: readonly ScoredHost[];
  readonly refused: readonly Refusal[];
  /** Set where only a sample of the hosts was looked at: how many there were. */
  readonly among?: number;
  /** Set where the lists above are only examples: how many hosts fitted, and how many each rule refused. */
  readonly counts?: { readonly fit: number; readonly refused: Readonly<Record<string, number>> };
}

export type Placement =
  | { readonly kind: 'placed'; readonly decision: Decision }
  | {
      readonly kind: 'refused';
      readonly message: string;
      readonly refused: readonly Refusal[];
      /** Set where these are only examples: how many hosts each rule refused. */
      readonly counts?: Readonly<Record<string, number>>;
    };

/** A kept decision and, where only the best and some examples of it were kept, the same request placed among all hosts as they are now. */
export type Explained = Decision & {
  readonly again?: Placement;
  readonly made?: Made;
  /** What is to be said of the canary that its service has. */
  readonly canary?: string;
};

/** How a container was made. */
export interface Made {
  /** Since 1970. */
  readonly atMs: number;
  /** Of the API request, as its answer and the logs name it. */
  readonly requestId?: string;
  /** By stage, in their order; without what it took to answer after the last. */
  readonly stagesMs?: Readonly<Record<string, number>>;
}
