/**
 * Job: what clients read of the cluster as a whole: lists, inspects, info, version, df, event filters. In: the cluster view. Out: Docker's JSON.
 * Invariants: answers show what the user sent plus the cluster's ids and addresses, in the Engine's order and words; a list that was asked
 * before comes from ready bytes until the view or a Status text changes; nothing here changes anything.
 */
import { setFlagsFromString } from 'node:v8';
import type { Cluster } from '../../contracts/index.ts';
import { type Answers, createAnswers } from './answers.ts';
import { type ContainerReads, createContainerReads } from '../containers/reads.ts';
import { createImageReads } from '../images/reads.ts';
import { createNetworkReads } from '../networks/reads.ts';
import { createVolumeReads } from '../volumes/reads.ts';
import type { ShownOfEngines } from '../system/disk-usage.ts';
import { createSystemReads, type SystemReads } from '../system/reads.ts';
import { createViewMemo } from './view-memo.ts';

export { eventFilter, renderEvent } from '../events/select.ts';
export { parseFilters } from './filters.ts';

export interface ReadsDeps {
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Of arpanet. */
  readonly version: string;
  /** Of containers in which an exec was made; shared by those who answer from the same cluster. */
  readonly execs?: Set<string>;
  /** Called with the id of a container in which one was made. */
  readonly execMade?: ((container: string) => void) | undefined;
  /** Of what Engines themselves list; absent: everything is shown. */
  readonly isShown?: ShownOfEngines;
}

export interface Reads
  extends Omit<ContainerReads, 'showListed'>,
    ReturnType<typeof createImageReads>,
    ReturnType<typeof createNetworkReads>,
    ReturnType<typeof createVolumeReads>,
    SystemReads,
    Pick<Answers, 'cached' | 'remember' | 'execSeen'> {}

export function createReads(cluster: Cluster, deps: ReadsDeps): Reads {
  // clients send regular expressions: beyond some backtracks V8 turns to its linear-time engine
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
  const answers = createAnswers(cluster, deps.now, deps.execs ?? new Set(), deps.execMade);
  const memo = createViewMemo(cluster);
  const containers = createContainerReads(cluster, memo, answers, deps.now);
  const images = createImageReads(cluster, memo, answers, deps.now);
  const networks = createNetworkReads(cluster, answers);
  const volumes = createVolumeReads(cluster, answers);
  const system = createSystemReads(cluster, memo, answers, containers.showListed, deps);
  return {
    containerList: containers.containerList,
    containerInspect: containers.containerInspect,
    showInspect: containers.showInspect,
    imageList: images.imageList,
    networkList: networks.networkList,
    networkInspect: networks.networkInspect,
    volumeList: volumes.volumeList,
    volumeInspect: volumes.volumeInspect,
    info: system.info,
    version: system.version,
    diskUsage: system.diskUsage,
    cached: answers.cached,
    remember: answers.remember,
    execSeen: answers.execSeen,
  };
}
