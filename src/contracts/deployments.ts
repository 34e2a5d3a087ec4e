/** Deployments applied and released as a whole: what the operator's API asks for. */
import type { DeployRequest } from '../model/index.ts';
import type { Client } from '../security/index.ts';
import type { Progress } from './progress.ts';

export type { DeployRequest };

/** What would become of an instance. */
export interface PlannedStep {
  /** `-`: none. */
  readonly host: string;
  readonly container: string;
  readonly action: 'create' | 'recreate' | 'start' | 'keep' | 'remove' | 'refused';
  readonly networks: readonly string[];
  readonly addresses: readonly string[];
  readonly image: string;
  /** What becomes of the image before; absent: nothing. */
  readonly imageNote?: string;
  /** Of a refusal. */
  readonly why?: string;
}

export interface DeployPlan {
  readonly project: string;
  /** Networks, volumes, secrets and configs. */
  readonly creates: readonly { readonly kind: string; readonly name: string }[];
  readonly steps: readonly PlannedStep[];
}

export interface Deployed {
  readonly project: string;
  readonly done: readonly { readonly container: string; readonly action: string; readonly id?: string | undefined }[];
}

export interface Released {
  readonly project: string;
  /** `container NAME`, `network NAME`, … */
  readonly removed: readonly string[];
}

/** How far the last apply or release of a deployment has come. */
export interface DeploymentReport {
  readonly name: string;
  /** `stopped` and `failed`: some of it may be as it was; the same again goes on from there. */
  readonly state: 'applying' | 'applied' | 'failed' | 'stopped' | 'releasing';
  /** The id of its operation. */
  readonly operation: string;
  /** The client that asked for it, where clients have names. */
  readonly user?: string;
  /** Since 1970. */
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
  readonly error?: string;
  /** Paths of what it is made of. */
  readonly files: readonly string[];
  /** Of all that was asked for: the same again has the same (scrypt, with the name as salt; hex). */
  readonly digest: string;
}

/** Of an apply or a release: the client that asks for it, and how it reports. */
export interface DeployCall {
  /** The certificate that it came with, whose rights count to the end; undefined: of a client that needs none. */
  readonly client: Client | undefined;
  /** The operation's id, and its lines. */
  readonly operation: string;
  readonly progress: Progress;
  /** It is to begin nothing else. */
  readonly signal: AbortSignal;
}

/** Deployments as a whole, on the leader. What has begun is in the store: the next leader takes it to its end. */
export interface Deployments {
  readonly list: () => readonly DeploymentReport[];
  readonly find: (name: string) => DeploymentReport | undefined;
  /** Changes nothing. Throws `invalid` with file and line, `not-found`, `forbidden`. */
  readonly plan: (name: string, request: DeployRequest, client: Client | undefined) => Promise<DeployPlan>;
  /** Throws as `plan`, `unplaceable` before anything is changed, `conflict` while it is applied or released already, and what ends it. */
  readonly apply: (name: string, request: DeployRequest, call: DeployCall) => Promise<Deployed>;
  /** Removes all that it has; volumes only where that is asked for. Throws `not-found` where there is nothing of it. */
  readonly release: (name: string, isWithVolumes: boolean, call: DeployCall) => Promise<Released>;
}
