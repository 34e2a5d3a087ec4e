/** `GET /system/df` of several Engines as one. Pure. */
import { type ContainerSummary, type ImageSummary, type Json, withoutReservedLabels } from '../../model/index.ts';
import { each } from '../../telemetry/left-out.ts';
import { entriesIn } from '../json/entries.ts';
import { wholeNumber } from '../json/go-values.ts';

/** As an Engine answered, unchecked. */
export interface DiskUsage {
  readonly LayersSize?: unknown;
  readonly Images?: unknown;
  readonly Containers?: unknown;
  readonly Volumes?: unknown;
  readonly BuildCache?: unknown;
  readonly BuilderSize?: unknown;
}

const PLACE = 'docker system df';

/** An image that several hosts have is listed once, with the sum of its containers; LayersSize counts every copy, as disks do. */
export function mergeDiskUsage(usages: readonly DiskUsage[], showContainer: (summary: ContainerSummary) => unknown): Json {
  const has = (field: keyof DiskUsage) => usages.length === 0 || usages.some((usage) => field in usage);
  // null only where every Engine says so: it was not asked for
  const all = (field: 'Images' | 'Containers' | 'Volumes' | 'BuildCache') =>
    usages.some((usage) => Array.isArray(usage[field])) ? usages.flatMap((usage) => entriesIn(usage[field])) : null;
  const total = (field: 'LayersSize' | 'BuilderSize') => usages.reduce((sum, usage) => sum + wholeNumber(usage[field]), 0);
  const containers = usages.flatMap((usage) => entriesIn<ContainerSummary>(usage.Containers));
  const images = new Map<string, ImageSummary>();
  const sumUp = (image: ImageSummary): void => {
    const known = images.get(image.Id);
    const counts = [known?.['Containers'], image['Containers']].map((count) => Math.max(wholeNumber(count), 0));
    images.set(image.Id, known === undefined ? image : { ...known, Containers: counts.reduce((a, b) => a + b, 0) });
  };
  const listed = usages.flatMap((usage) => entriesIn<ImageSummary>(usage.Images));
  each({ kind: 'image', of: `the sums of ${PLACE}` }, listed, ({ Id }) => Id, sumUp);
  return {
    ...(has('LayersSize') ? { LayersSize: total('LayersSize') } : {}),
    ...(has('Images')
      ? { Images: all('Images') && each({ kind: 'image', of: PLACE }, images.values(), ({ Id }) => Id, withPublicLabels) }
      : {}),
    ...(has('Containers')
      ? { Containers: all('Containers') && each({ kind: 'container', of: PLACE }, containers, ({ Id }) => Id, showContainer) }
      : {}),
    ...(has('Volumes') ? { Volumes: all('Volumes') } : {}),
    ...(has('BuildCache') ? { BuildCache: all('BuildCache') } : {}),
    ...(has('BuilderSize') ? { BuilderSize: total('BuilderSize') } : {}),
  };
}

/** What somebody who is limited to deployments may see of what an Engine lists. */
export interface ShownOfEngines {
  readonly container: (id: string) => boolean;
  readonly volume: (name: string) => boolean;
}

/** Without what is not shown. Images count the containers that are; what a build cache says of its steps belongs to nobody, and is not shown. */
export function shownUsage(usage: DiskUsage, isShown: ShownOfEngines): DiskUsage {
  const containers = entriesIn<ContainerSummary>(usage.Containers).filter(({ Id }) => isShown.container(Id));
  const counted = (image: ImageSummary): Json => ({
    ...image,
    Containers: Array.isArray(usage.Containers) ? containers.filter(({ ImageID }) => ImageID === image.Id).length : -1,
  });
  return {
    ...usage,
    ...(Array.isArray(usage.Images) ? { Images: entriesIn<ImageSummary>(usage.Images).map(counted) } : {}),
    ...(Array.isArray(usage.Containers) ? { Containers: containers } : {}),
    ...(Array.isArray(usage.Volumes)
      ? { Volumes: entriesIn<{ readonly Name: string }>(usage.Volumes).filter(({ Name }) => isShown.volume(Name)) }
      : {}),
    ...(Array.isArray(usage.BuildCache) ? { BuildCache: [] } : {}),
  };
}

const withPublicLabels = (image: ImageSummary): ImageSummary =>
  image.Labels === null || image.Labels === undefined ? image : { ...image, Labels: withoutReservedLabels(image.Labels) };
