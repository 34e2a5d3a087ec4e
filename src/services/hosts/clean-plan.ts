/** What on a host is not used any more. Pure. */
import type { CleanPlan, CleanRequest } from '../../contracts/index.ts';
import type { ContainerView, ImageSummary } from '../../model/index.ts';
import { isCounted } from '../counted-service.ts';

export interface CleanFound {
  readonly host: string;
  /** Of this host. */
  readonly containers: readonly ContainerView[];
  readonly images: readonly ImageSummary[];
  /** Names of volumes, and of networks, that the Engine says nobody uses. */
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
}

const ANONYMOUS = /^[0-9a-f]{64}$/;

/** Instances of services stay, stopped or not: `arpanet start`, compose and the maintained count may want them. */
export function planClean({ host, containers, images, volumes, networks }: CleanFound, request: CleanRequest): CleanPlan {
  const gone = containers.filter(({ record, facts }) => {
    const { Status } = facts.inspect.State;
    return record !== undefined && (Status === 'exited' || Status === 'dead') && !isCounted(record.request);
  });
  const used = new Set(containers.filter((one) => !gone.includes(one)).map(({ facts }) => facts.inspect.Image));
  const parents = new Set(images.map(({ ParentId }) => ParentId));
  const tagsOf = (image: ImageSummary) => (image.RepoTags ?? []).filter((tag) => tag !== '<none>:<none>');
  return {
    host,
    containers: gone.map(({ id, name, facts }) => ({ id, name, ended: facts.inspect.State.FinishedAt })),
    images: images
      .filter((image) => !used.has(image.Id) && (request.all || (tagsOf(image).length === 0 && !parents.has(image.Id))))
      .map((image) => ({ id: image.Id, name: tagsOf(image)[0] ?? '<none>', bytes: image.Size })),
    volumes: request.volumes ? volumes.filter((name) => ANONYMOUS.test(name)) : [],
    networks: request.networks ? networks : [],
  };
}
