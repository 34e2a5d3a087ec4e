/** `GET /images/json`, answered from the view. Effects: questions to Engines about what no list tells. */
import type { Cluster } from '../../contracts/index.ts';
import { ArpanetError, type ImageSummary } from '../../model/index.ts';
import { apiMinor } from '../../text/api-version.ts';
import { withDefaultTag } from '../../text/image-reference.ts';
import { entriesIn } from '../json/entries.ts';
import { boolValue } from '../json/go-values.ts';
import type { Answers, Read } from '../reads/answers.ts';
import { askHosts } from '../reads/ask-hosts.ts';
import { parseFilters } from '../reads/filters.ts';
import type { ViewMemo } from '../reads/view-memo.ts';
import { imageTimes } from './image-times.ts';
import { borderImages, type ImageQuery, parseImageQuery, sameSecond, selectImages, showImage } from './list.ts';

const SIZES_TIMEOUT_MS = 10_000;

export function createImageReads(cluster: Cluster, memo: ViewMemo, answers: Answers, now: () => number): { readonly imageList: Read } {
  /** What images share each Engine knows of its own; a copy that shares more says most of the image. */
  async function sharedSizes(apiVersion: string): Promise<ReadonlyMap<string, number>> {
    const { answers: lists } = await askHosts(cluster, '/images/json?all=1&shared-size=1', apiVersion, SIZES_TIMEOUT_MS);
    const sizes = new Map<string, number>();
    for (const { Id, SharedSize } of lists.flatMap(({ answer }) => entriesIn<ImageSummary>(answer)))
      sizes.set(Id, Math.max(sizes.get(Id) ?? -1, Number(SharedSize ?? -1)));
    return sizes;
  }

  /** Classic Swarm's filter: those that one of these hosts has. No names: all. */
  function onNodes(images: readonly ImageSummary[], nodes: readonly string[]): readonly ImageSummary[] {
    if (nodes.length === 0) return images;
    const hosts = cluster.hosts.list().filter(({ name }) => nodes.includes(name));
    const there = new Set(hosts.flatMap((host) => host.images.map(({ Id }) => Id)));
    return images.filter(({ Id }) => there.has(Id));
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
      const chosen = selectImages(onNodes(memo.images(), images.filters.get('node')), images, find, exact, now());
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

  return { imageList: answers.settledRead('images', imageList) };
}
