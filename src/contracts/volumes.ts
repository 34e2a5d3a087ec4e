/** Named volumes: one name, one place in the cluster. */
import type { ClusterVolume, VolumeRequest } from '../model/index.ts';

export interface Volumes {
  readonly list: () => readonly ClusterVolume[];
  /** Throws `not-found`: `get x: no such volume`. */
  readonly one: (name: string) => ClusterVolume;
  /** A volume that exists with the same driver is given back as it is. Throws `conflict` for another driver, `invalid`. */
  readonly create: (request: VolumeRequest) => Promise<ClusterVolume>;
  /** `force` forgets one whose host is down, and takes an unknown one for removed. Throws `not-found`, `unavailable`, `engine` (in use). */
  readonly remove: (name: string, force: boolean) => Promise<void>;
}
