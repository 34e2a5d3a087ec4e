/** Images, networks and volumes, answered from the view. */
import { ArpanetError, type ImageSummary, isKind } from '../../model/index.ts';
import { shownNetwork } from '../../networks/index.ts';
import type { Cluster } from '../../contracts/index.ts';
import type { Answers, Read } from './answers.ts';
import { askHosts } from './ask-hosts.ts';
import { type Filters, parseFilters } from './filters.ts';
import { boolValue } from '../json/go-values.ts';
import { borderImages, type ImageQuery, parseImageQuery, sameSecond, selectImages, showImage } from '../images/list.ts';
import { imageTimes } from '../images/image-times.ts';
import { type ShownNetwork, selectNetworks, showNetworks } from '../networks/list.ts';
import { rootDirOf } from '../system/info.ts';
import { windowOf } from '../api-versions.ts';
import type { ViewMemo } from './view-memo.ts';
import { inspectVolume, selectVolumes } from '../volumes/list.ts';
import { apiMinor } from '../../text/api-version.ts';
import { withDefaultTag } from '../../text/image-reference.ts';

const SIZES_TIMEOUT_MS = 10_000;

export type ObjectReads = Readonly<Record<'imageList' | 'networkList' | 'networkInspect' | 'volumeList' | 'volumeInspect', Read>>;

export function createObjectReads(cluster: Cluster, memo: ViewMemo, answers: Answers, now: () => number): ObjectReads {
  /** What images share each Engine knows of its own; a copy that shares more says most of the image. */
  async function sharedSizes(apiVersion: string): Promise<ReadonlyMap<string, number>> {
    const { answers: lists } = await askHosts<readonly ImageSummary[]>(
      cluster,
      '/images/json?all=1&shared-size=1',
      apiVersion,
      SIZES_TIMEOUT_MS,
    );
    const sizes = new Map<string, number>();
    for (const { Id, SharedSize } of lists.flatMap(({ answer }) => answer))
      sizes.set(Id, Math.max(sizes.get(Id) ?? -1, Number(SharedSize ?? -1)));
    return sizes;
  }

  const imageList: Read = (query, _params, apiVersion) => {
    const images = parseImageQuery(query, parseFilters(query.get('filters')), apiVersion);
    const find = (reference: string) => {
      const id = cluster.images.find(reference)?.id;
      const image = memo.images().find((one) => one.Id === id);
      if (image === undefined) throw new ArpanetError('not-found', `No such image: ${withDefaultTag(reference)}`);
      return image;
    };
    const give = (exact: ReadonlyMap<string, number>) => {
      const chosen = selectImages(memo.images(), images, find, exact, now());
      return showImages(chosen, images, query, apiVersion);
    };
    const asked = sameSecond(memo.images(), borderImages(images, find));
    return asked.length === 0 ? give(new Map()) : imageTimes(cluster, asked).then(give);
  };

  const showImages = (chosen: readonly ImageSummary[], images: ImageQuery, query: URLSearchParams, apiVersion: string) => {
    const shown = chosen.map((image) => showImage(image, apiVersion));
    if (boolValue(query.get('shared-size')) && apiMinor(apiVersion) >= 42) {
      return sharedSizes(apiVersion).then((sizes) => {
        const sized = shown.map((image) => ({ ...image, SharedSize: sizes.get(image.Id) ?? -1 }));
        return answers.answer(JSON.stringify(sized), { untilMs: 0 });
      });
    }
    const json = JSON.stringify(shown);
    return answers.answer(json, images.filters.has('until') ? { untilMs: 0 } : {});
  };

  const allNetworks = () => showNetworks(cluster.networks.list(), cluster.containers.list(), windowOf(cluster.hosts.list()).max);

  const networkList: Read = (query, _params, apiVersion) => {
    const chosen = selectNetworks(allNetworks(), parseFilters(query.get('filters')));
    const sorted = chosen.toSorted((a, b) => (a.Name < b.Name ? -1 : 1));
    // since 1.28 only an inspect tells the members
    return answers.answer(JSON.stringify(apiMinor(apiVersion) < 28 ? sorted : sorted.map((one) => ({ ...one, Containers: {} }))));
  };

  const networkInspect: Read = (query, params) => {
    const reference = params['id'] ?? '';
    const shown = findNetwork(reference);
    const verbose = query.get('verbose') ?? '';
    if (verbose !== '' && !/^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(verbose)) {
      const why = `strconv.ParseBool: parsing ${JSON.stringify(verbose)}: invalid syntax`;
      throw new ArpanetError('invalid', `invalid value for verbose: ${verbose}: ${why}`);
    }
    const scope = query.get('scope') ?? '';
    if (scope !== '' && scope !== shown.Scope) throw new ArpanetError('not-found', `network ${reference} not found`);
    return answers.answer(JSON.stringify(shown));
  };

  const findNetwork = (reference: string): ShownNetwork => {
    const all = allNetworks();
    const withId = (id: string) => all.find((one) => one.Id === id);
    const exact = withId(reference) ?? all.find((one) => one.Name === reference);
    if (exact !== undefined) return exact;
    try {
      const found = withId(shownNetwork(cluster.networks.one(reference).record).id);
      if (found !== undefined) return found;
    } catch (error) {
      if (!isKind(error, 'not-found')) throw error;
    }
    const byPrefix = reference === '' ? undefined : all.find((one) => one.Id.startsWith(reference));
    if (byPrefix === undefined) throw new ArpanetError('not-found', `network ${reference} not found`);
    return byPrefix;
  };

  const volumeList: Read = (query) => {
    const chosen = selectVolumes(cluster.volumes.list(), volumeFilters(query.get('filters')), cluster.containers.list(), rootDir());
    return answers.answer(JSON.stringify({ Volumes: chosen, Warnings: null }));
  };

  const volumeInspect: Read = (_query, params) =>
    answers.answer(JSON.stringify(inspectVolume(cluster.volumes.one(params['name'] ?? ''), rootDir())));
  const rootDir = (): string => rootDirOf(cluster.hosts.list());

  return {
    imageList: answers.settledRead('images', imageList),
    networkList: answers.settledRead('networks', networkList),
    networkInspect: answers.settledRead('network', networkInspect),
    volumeList: answers.settledRead('volumes', volumeList),
    volumeInspect: answers.settledRead('volume', volumeInspect),
  };
}

function volumeFilters(text: string | null): Filters {
  try {
    return parseFilters(text);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new ArpanetError('invalid', `error reading volume filters: ${said}`, { cause: error });
  }
}
