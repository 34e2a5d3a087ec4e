/** `GET /volumes` and `GET /volumes/{name}`, answered from the view. */
import type { Cluster } from '../../contracts/index.ts';
import { ArpanetError } from '../../model/index.ts';
import type { Answers, Read } from '../reads/answers.ts';
import { type Filters, parseFilters } from '../reads/filters.ts';
import { rootDirOf } from '../system/info.ts';
import { inspectVolume, selectVolumes } from './list.ts';

export function createVolumeReads(cluster: Cluster, answers: Answers): { readonly volumeList: Read; readonly volumeInspect: Read } {
  const volumeList: Read = (query) => {
    const chosen = selectVolumes(cluster.volumes.list(), volumeFilters(query.get('filters')), cluster.containers.list(), rootDir());
    return answers.answer(JSON.stringify({ Volumes: chosen, Warnings: null }));
  };

  const volumeInspect: Read = (_query, params) =>
    answers.answer(JSON.stringify(inspectVolume(cluster.volumes.one(params['name'] ?? ''), rootDir())));
  const rootDir = (): string => rootDirOf(cluster.hosts.list());

  return { volumeList: answers.settledRead('volumes', volumeList), volumeInspect: answers.settledRead('volume', volumeInspect) };
}

function volumeFilters(text: string | null): Filters {
  try {
    return parseFilters(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ArpanetError('invalid', `error reading volume filters: ${message}`, { cause: error });
  }
}
