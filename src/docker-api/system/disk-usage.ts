/** `GET /system/df` of several Engines as one. Pure. */
import { type ContainerSummary, type ImageSummary, type Json, type VolumeSummary } from '../../model/index.ts';
import { publicLabels } from '../../engine/index.ts';

export interface DiskUsage {
  readonly LayersSize?: number;
  readonly Images?: readonly ImageSummary[] | null;
  readonly Containers?: readonly ContainerSummary[] | null;
  readonly Volumes?: readonly VolumeSummary[] | null;
  readonly BuildCache?: readonly Json[] | null;
  readonly BuilderSize?: number;
}

/** An image that several hosts have is listed once, with the sum of its containers; LayersSize counts every copy, as disks do. */
export function mergeDiskUsage(usages: readonly DiskUsage[], showContainer: (summary: ContainerSummary) => unknown): Json {
  const has = (field: keyof DiskUsage) => usages.length === 0 || usages.some((usage) => field in usage);
  // null only where every Engine says so: it was not asked for
  const all = (field: 'Images' | 'Containers' | 'Volumes' | 'BuildCache') =>
    usages.some((usage) => Array.isArray(usage[field])) ? usages.flatMap((usage): readonly unknown[] => usage[field] ?? []) : null;
  const images = new Map<string, ImageSummary>();
  for (const image of usages.flatMap((usage) => usage.Images ?? [])) {
    const known = images.get(image.Id);
    const counts = [known?.['Containers'], image['Containers']].map((count) => Math.max(Number(count ?? 0), 0));
    images.set(image.Id, known === undefined ? image : { ...known, Containers: counts.reduce((a, b) => a + b, 0) });
  }
  return {
    ...(has('LayersSize') ? { LayersSize: usages.reduce((total, usage) => total + (usage.LayersSize ?? 0), 0) } : {}),
    ...(has('Images') ? { Images: all('Images') && [...images.values()].map(withPublicLabels) } : {}),
    ...(has('Containers') ? { Containers: all('Containers')?.map((one) => showContainer(one as ContainerSummary)) ?? null } : {}),
    ...(has('Volumes') ? { Volumes: all('Volumes') } : {}),
    ...(has('BuildCache') ? { BuildCache: all('BuildCache') } : {}),
    ...(has('BuilderSize') ? { BuilderSize: usages.reduce((total, usage) => total + (usage.BuilderSize ?? 0), 0) } : {}),
  };
}

const withPublicLabels = (image: ImageSummary): ImageSummary =>
  image.Labels === null || image.Labels === undefined ? image : { ...image, Labels: publicLabels(image.Labels) };
