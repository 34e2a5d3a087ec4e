/** What the cluster view keeps of a host. */
import type {
  HostFacts,
  HostRecord,
  HostState,
  HostView,
  ContainerView,
  Load,
  LoadHour,
  MaterialisedNetwork,
  ProcessFaults,
  VolumeSummary,
} from '../../model/index.ts';
import type { HostImages } from './image-index.ts';

/** A host of the view, as it changes. */
export interface HostEntry {
  record: HostRecord;
  facts: HostFacts | undefined;
  load: Load | undefined;
  lastHour: LoadHour | undefined;
  faults: ProcessFaults | undefined;
  loadAtMs: number;
  leftOut: readonly string[];
  state: HostState;
  why: string | undefined;
  unreachableSinceMs: number | undefined;
  isCutOff: boolean;
  containers: Set<string>;
  containerList: readonly ContainerView[] | undefined;
  images: HostImages | undefined;
  volumes: readonly VolumeSummary[];
  networks: readonly MaterialisedNetwork[];
  view: HostView | undefined;
}

/** Of which nothing but its record is known yet. */
export const newHost = (record: HostRecord): HostEntry => ({
  record,
  facts: undefined,
  load: undefined,
  lastHour: undefined,
  faults: undefined,
  loadAtMs: 0,
  leftOut: [],
  state: 'joining',
  why: undefined,
  unreachableSinceMs: undefined,
  isCutOff: false,
  containers: new Set(),
  containerList: undefined,
  images: undefined,
  volumes: [],
  networks: [],
  view: undefined,
});
