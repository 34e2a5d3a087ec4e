import type { HostSnapshot, PlacementRequest } from '../snapshot.ts';

/** Three verbs, swarmkit's: whether it concerns this request, whether it accepts a host, and why it does not, with figures. */
export interface Filter {
  readonly rule: string;
  applies(request: PlacementRequest): boolean;
  accepts(request: PlacementRequest, host: HostSnapshot): boolean;
  /** Asked only of a host that was not accepted. */
  explain(request: PlacementRequest, host: HostSnapshot): string;
}
