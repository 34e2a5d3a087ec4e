/** Where containers would go if they were created now, one after the other. Reads the view and the ledger; changes nothing. */
import type { HostSnapshot, Placements, RehearsedCreate } from '../../contracts/index.ts';
import { published } from '../networks/publish-mode.ts';
import { ArpanetError, type Placement } from '../../model/index.ts';
import type { Core } from '../core.ts';
import { snapshotOf } from '../view/host-snapshots.ts';
import { sizeOfImage } from '../view/image-index.ts';
import { parentLinksOf } from './claim-addresses.ts';
import { type Identity, identify } from './identify.ts';
import { refuseAsked, refuseAskedMounts } from '../create-refusals.ts';
import { filledNeeds } from './templates.ts';
import { groupsOf } from '../placement/groups.ts';
import { chargeFor } from '../placement/load.ts';
import { place, placementRequest } from '../placement/index.ts';
import type { Platforms } from '../images/platforms.ts';
import { needsOf } from '../placement/request.ts';
import { resolveContainer } from '../view/resolve-container.ts';
import { each } from '../../telemetry/left-out.ts';
import { isNamedVolume, withoutSlash } from '../../text/names.ts';
import { volumeFacts } from '../volumes/project-volumes.ts';
import type { Volumes } from '../volumes/volumes.ts';

/** The hosts as placement sees them now, but for what was placed a moment ago. */
export function snapshotsNow(core: Core): readonly HostSnapshot[] {
  return each(
    { kind: 'host', of: 'placement' },
    core.view.hosts(),
    ({ name }) => name,
    (host) => snapshotOf(core, host),
  );
}

/** What the creates before one have done. */
interface Scene {
  readonly hosts: ReadonlyMap<string, HostSnapshot>;
  /** Places by volume, and by container. */
  readonly volumes: ReadonlyMap<string, string>;
  readonly containers: ReadonlyMap<string, string>;
}

type Part = RehearsedCreate & { readonly identity: Identity };
interface Step {
  readonly placement: Placement;
  readonly next: Scene;
}

/** An image that nobody has yet refuses nothing: it may be pulled. What needs one host together gets one where all of it fits, if there is one. */
export function createRehearse(core: Core, volumes: Volumes, platforms: Pick<Platforms, 'of'>): Placements['rehearse'] {
  const { deps, view, images } = core;

  function step(scene: Scene, { name, request, identity }: Part, only?: string): Step {
    const known = volumeFacts(volumes, identity.volumes, request);
    const image = images.find(request.Image ?? '');
    const facts = {
      name,
      ...known,
      volumesAt: known.volumesAt.map(({ volume, host }) => ({ volume, host: host ?? scene.volumes.get(volume) })),
      mustBeWith: identity.together.map(({ container, because }) => {
        const planned = scene.containers.get(withoutSlash(container));
        if (planned !== undefined) return { container, host: planned, because };
        const found = resolveContainer(container, view);
        return { container: found.name, host: found.host, because };
      }),
      imageHosts: image?.holders ?? new Set(),
      imageBytes: sizeOfImage(images, image),
      platform: platforms.of(image?.id ?? ''),
      parentLinks: parentLinksOf(deps, identity),
    };
    const wanted = { ...placementRequest(identity, request, facts), ...(only === undefined ? {} : { only }) };
    const nowMs = deps.now();
    const placement = place(wanted, [...scene.hosts.values()], { strategy: deps.settings.strategy, nowMs, random: deps.random });
    const chosen = placement.kind === 'placed' ? scene.hosts.get(placement.decision.host) : undefined;
    if (chosen === undefined) return { placement, next: scene };
    const { hostPorts, deployment, service } = wanted;
    const added = {
      id: '',
      name,
      deployment,
      service,
      number: identity.number,
      labels: request.Labels ?? {},
      state: 'created',
      hostPorts,
      hasVolumes: identity.volumes.some(isNamedVolume),
      ...needsOf(request),
    } as const;
    const after = { ...chosen, pending: [...chosen.pending, chargeFor(wanted, chosen, nowMs)], containers: [...chosen.containers, added] };
    const next = {
      hosts: new Map([...scene.hosts, [chosen.name, after]]),
      volumes: new Map([
        ...scene.volumes,
        ...identity.volumes.map((volume) => [volume, scene.volumes.get(volume) ?? chosen.name] as const),
      ]),
      containers: new Map([...scene.containers, [name, chosen.name]]),
    };
    return { placement, next };
  }

  /** The best host on which all of them fit, one after the other; undefined: there is none, or nothing is to be decided. */
  function common(scene: Scene, group: readonly Part[]): string | undefined {
    const [first, ...rest] = group;
    if (first === undefined || rest.length === 0) return undefined;
    const begun = refusals(() => step(scene, first));
    if (begun.placement.kind === 'refused') return undefined;
    const fits = (host: string): boolean => {
      let now = scene;
      return group.every((part) => {
        const { placement, next } = refusals(() => step(now, part, host), now);
        now = next;
        return placement.kind === 'placed';
      });
    };
    return begun.placement.decision.scored.map(({ host }) => host).find(fits);
  }

  return (creates, networks = []) => {
    const planned = new Set(networks);
    const replaced = new Set(creates.flatMap(({ name, isReplacement }) => (isReplacement === true ? [name] : [])));
    const hosts = snapshotsNow(core).map((host) => ({ ...host, containers: host.containers.filter(({ name }) => !replaced.has(name)) }));
    let scene: Scene = { hosts: new Map(hosts.map((host) => [host.name, host])), volumes: new Map(), containers: new Map() };
    const parts = creates.map(({ name, request: sent }) => {
      const request = published(sent, core.deps.settings.publishMode);
      try {
        const written = identify({ name, request, taken: () => [] });
        const identity = { ...written, ...filledNeeds(request, { ...written, nonce: '' }) };
        refuseAsked(core, { identity, request, isReplacement: false, planned, replaced });
        refuseAskedMounts(volumes, identity, request);
        return { name, request, identity };
      } catch (error) {
        if (error instanceof ArpanetError) return error;
        throw error;
      }
    });
    const groups = groupsOf(
      parts.map((part, index) => ({
        name: creates[index]?.name ?? '',
        volumes: part instanceof ArpanetError ? [] : part.identity.volumes.filter(isNamedVolume),
        beside: part instanceof ArpanetError ? [] : part.identity.together.map(({ container }) => withoutSlash(container)),
      })),
    );
    const hostOf = new Map<number, string | undefined>();
    return parts.map((part, index): Placement => {
      if (part instanceof ArpanetError) return { kind: 'refused', message: part.message, refused: [] };
      const members = groups[index] ?? [];
      const key = members[0] ?? index;
      if (!hostOf.has(key))
        hostOf.set(
          key,
          common(
            scene,
            members.flatMap((at) => [parts[at]].filter(isPart)),
          ),
        );
      const { placement, next } = refusals(() => step(scene, part, hostOf.get(key)), scene);
      scene = next;
      return placement;
    });
  };
}

const isPart = (part: Part | ArpanetError | undefined): part is Part => part !== undefined && !(part instanceof ArpanetError);

const NOWHERE: Scene = { hosts: new Map(), volumes: new Map(), containers: new Map() };

/** What cannot be asked for is refused, as a create would be. */
function refusals(act: () => Step, scene = NOWHERE): Step {
  try {
    return act();
  } catch (error) {
    if (error instanceof ArpanetError) return { placement: { kind: 'refused', message: error.message, refused: [] }, next: scene };
    throw error;
  }
}
