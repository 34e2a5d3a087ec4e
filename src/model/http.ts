/** Services that HTTP reaches by name: what the leader tells the agents. Plain JSON. */

/** TCP, where a host's proxy takes what another host's passes on to an instance here. */
export const HTTP_HOP_PORT = 7378;

/** One instance behind a name. `weight`: its share of the requests, beside those of the others, from 1 to 256. */
export interface HttpInstance {
  readonly container: string;
  /** Its host, by name, and that one's address for other hosts. */
  readonly host: string;
  readonly at: string;
  /** Its own address, which its host reaches, and its port there. */
  readonly address: string;
  readonly port: number;
  /** It speaks HTTP/2 without TLS. */
  readonly isH2c?: true;
  readonly weight: number;
}

/** A host name and path, and the instances that it leads to now; without any it is answered with 503. */
export interface HttpSite {
  /** `shop.example.com/api/` */
  readonly site: string;
  readonly isSticky?: true;
  readonly instances: readonly HttpInstance[];
}

/** All that a host needs to answer for them. */
export interface HttpTable {
  readonly sites: readonly HttpSite[];
  /** Addresses of the cluster's hosts: what one of them passes on goes to the instance that it names. */
  readonly hosts: readonly string[];
}

/** The largest weight that a proxy takes (HAProxy configuration manual, `weight`). */
export const MOST_WEIGHT = 256;

/**
 * Weights of instances so that those of the canary together get `share` (0 to 1) of the requests, and all of one kind the same. Where there is none of one kind the others get
 * all. Pure.
 */
export function shareWeights(instances: number, canaries: number, share: number): { readonly instance: number; readonly canary: number } {
  if (instances === 0 || canaries === 0) return { instance: MOST_WEIGHT, canary: MOST_WEIGHT };
  const [instance, canary] = [(1 - share) / instances, share / canaries];
  const scale = MOST_WEIGHT / Math.max(instance, canary);
  const rounded = (weight: number): number => Math.max(1, Math.round(weight * scale));
  return { instance: rounded(instance), canary: rounded(canary) };
}

/** Of which service instances of a canary are, and which share of its requests they get: as their label `arpanet.canary` has it, `web 10%`. `share`: a part of 1. */
export interface CanaryLabel {
  readonly of: string;
  readonly share: number;
}

/** `10%`, from 1 to 99: 0.1. Undefined for anything else. */
export function parseShare(text: string): number | undefined {
  const [, percent] = /^(\d{1,2})%$/.exec(text.trim()) ?? [];
  return percent === undefined || Number(percent) < 1 ? undefined : Number(percent) / 100;
}

/** The text that `canaryOf` reads as this. */
export const formatCanary = ({ of, share }: CanaryLabel): string => `${of} ${Math.round(share * 100)}%`;

/** Undefined for a text of another form. */
export function canaryOf(label: string | null | undefined): CanaryLabel | undefined {
  const [, of, percent = ''] = /^(\S+) (\d{1,2}%)$/.exec(label ?? '') ?? [];
  const share = parseShare(percent);
  return of === undefined || share === undefined ? undefined : { of, share };
}

/** What one proxy has counted for an instance. `requests` and `errors` (no answer, or one with a status from 500) since its names changed last. */
export interface HttpFigures {
  readonly container: string;
  readonly requests: number;
  readonly errors: number;
  /** Until an answer begins, on average over the last 1,024. */
  readonly latencyMs: number;
}

/** The same of several instances together. */
export type HttpTotals = Omit<HttpFigures, 'container'>;

/** How a canary does beside its service. */
export interface CanaryReport {
  /** `abc/web` */
  readonly service: string;
  /** A part of 1. */
  readonly share: number;
  /** Of its template. */
  readonly image: string;
  /** Instances of it that run, and that there should be. */
  readonly running: number;
  readonly desired: number;
  /** Of the last five minutes. */
  readonly base: HttpTotals;
  readonly canary: HttpTotals;
  /** unknown: it has had too few requests, or chance may explain the difference. */
  readonly verdict: 'good' | 'bad' | 'unknown';
  /** A sentence with the figures. */
  readonly why: string;
  /** The cluster has taken it back: its instances are gone. */
  readonly isTakenBack?: boolean;
}
