/** The steps of a deploy, in order: what the files define against the existing containers (docker/compose, pkg/compose/convergence.go). Pure. */
import {
  ArpanetError,
  type ContainerSummary,
  type CreateRequest,
  type Json,
  labels,
  type UpdateSettings,
  composeLabels,
} from '../model/index.ts';
import { clusterNameOf, isMap, labelsOf } from './normalize.ts';
import type { Stack } from './read.ts';
import { updateOf } from './update-config.ts';
import { textOf } from './values.ts';
import { type Build, buildOf } from './build.ts';
import { imageOf, isGlobal, nameOf, replicasOf, requestsOf, type Surroundings } from './requests.ts';
import { type StoredObject, storedObject } from './stored-files.ts';

/** One action of a deploy on one container. */
export interface Step {
  readonly service: string;
  readonly container: string;
  readonly action: 'create' | 'recreate' | 'start' | 'keep' | 'remove';
  /** For a create. */
  readonly request?: CreateRequest;
  /** `linux/arm64`, if the file says so. */
  readonly platform?: string;
  /** For a create: whether the image is pulled even if a host has it, or not even if none has it. */
  readonly pull?: 'always' | 'never';
  /** Id of the existing container. */
  readonly id?: string;
}

/** The steps for one service, and what must hold of other services before them. Waves are run one after the other. */
export interface Wave {
  readonly service: string;
  /** What must hold first: `service_started`, `service_healthy`, `service_completed_successfully`, of another service. */
  readonly after: readonly { readonly service: string; readonly condition: string }[];
  readonly steps: readonly Step[];
  /** How many there shall be; of a global service, the number of hosts. */
  readonly count: number;
  /** One instance on every host that takes it. The cluster creates them; the `create` steps are one per host at most. */
  readonly isGlobal: boolean;
  /** How instances that differ are replaced. */
  readonly update: UpdateSettings;
}

/** What a deploy is to do. */
export interface Plan {
  readonly waves: readonly Wave[];
  /** Containers of services that the files do not have. */
  readonly orphans: readonly ContainerSummary[];
  /** Images that a service of the files builds, by their names. */
  readonly builds: ReadonlyMap<string, Build>;
}

export interface Asked {
  readonly profiles: readonly string[];
  /** Only these services and what they depend on; empty: all. */
  readonly only: readonly string[];
}

const CONDITIONS = ['service_started', 'service_healthy', 'service_completed_successfully'];

/** The waves in the order in which they must come up, then the containers of services that the files do not have. Throws `invalid`. */
export function planStack(stack: Stack, around: Surroundings, existing: readonly ContainerSummary[], asked: Asked): Plan {
  const waves = inOrder(stack, wanted(stack, asked)).map((service) => waveOf(service, stack, around, existing));
  return {
    waves,
    orphans: existing.filter((container) => !stack.services.has(container.Labels[composeLabels.service] ?? '')),
    builds: buildsOf(stack, around),
  };
}

function buildsOf(stack: Stack, around: Surroundings): ReadonlyMap<string, Build> {
  const stored = storedObjectsOf(stack, around.project);
  const imageNamed = (service: string): string => {
    const definition = stack.services.get(service);
    if (definition === undefined) throw new ArpanetError('invalid', `build.additional_contexts: there is no service "${service}"`);
    return imageOf(service, definition, around);
  };
  const builds = [...stack.services].flatMap(([service, definition]) =>
    located(stack, service, () => {
      const { image, build } = definition;
      const made =
        image === undefined && build === undefined
          ? undefined
          : buildOf(service, definition, imageOf(service, definition, around), { ...around, stored, imageOf: imageNamed });
      return made === undefined ? [] : [[made.image, made] as const];
    }),
  );
  return new Map(builds);
}

/** Errors name the file, the line and the service. */
function located<T>(stack: Stack, service: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof ArpanetError)) throw error;
    throw new ArpanetError('invalid', `${stack.at(service)}: services.${service}: ${error.message}`, { cause: error.cause });
  }
}

function dependencies(stack: Stack, service: string): readonly { readonly service: string; readonly condition: string }[] {
  const definition = stack.services.get(service) ?? {};
  const map = definition['depends_on'];
  const mode = /^service:(.+)$/.exec(textOf(definition['network_mode'] ?? ''))?.[1];
  const texts = (key: string) =>
    Array.isArray(definition[key]) ? (definition[key] as unknown[]).map((one) => textOf(one).split(':')[0] ?? '') : [];
  const others = [
    ...texts('links'),
    ...texts('volumes_from').filter((name) => name !== 'container'),
    ...(mode === undefined ? [] : [mode]),
  ];
  const declared = Object.entries(isMap(map) ? map : {}).map(([name, entry]) => ({
    service: name,
    condition: textOf((isMap(entry) ? entry['condition'] : undefined) ?? 'service_started'),
    required: !isMap(entry) || entry['required'] !== false,
  }));
  const all = [...declared, ...others.map((name) => ({ service: name, condition: 'service_started', required: true }))];
  for (const { service: other, condition, required } of all) {
    const key = declared.some((one) => one.service === other)
      ? 'depends_on'
      : others.includes(other) && texts('links').includes(other)
        ? 'links'
        : 'volumes_from';
    if (required && !stack.services.has(other))
      throw new ArpanetError(
        'invalid',
        `${stack.at(service, key)}: services.${service}.${key}: there is no service "${other}", there are ${[...stack.services.keys()].join(', ')}`,
      );
    if (!CONDITIONS.includes(condition))
      throw new ArpanetError(
        'invalid',
        `${stack.at(service, key)}: services.${service}.${key}.${other}.condition: it is one of ${CONDITIONS.join(', ')}`,
      );
  }
  return all.filter((one) => stack.services.has(one.service));
}

function wanted(stack: Stack, { profiles, only }: Asked): ReadonlySet<string> {
  const unknown = only.find((name) => !stack.services.has(name));
  if (unknown !== undefined)
    throw new ArpanetError('invalid', `there is no service "${unknown}": there are ${[...stack.services.keys()].join(', ')}`);
  const inProfile = (service: string) => {
    const mine = stack.services.get(service)?.['profiles'];
    return !Array.isArray(mine) || mine.length === 0 || profiles.includes('*') || mine.some((one) => profiles.includes(textOf(one)));
  };
  const found = new Set<string>();
  const add = (service: string) => {
    if (found.has(service)) return;
    found.add(service);
    for (const { service: other } of dependencies(stack, service)) add(other);
  };
  for (const service of only.length > 0 ? only : [...stack.services.keys()].filter(inProfile)) add(service);
  return found;
}

function inOrder(stack: Stack, services: ReadonlySet<string>): readonly string[] {
  const done: string[] = [];
  const visit = (service: string, way: readonly string[]) => {
    if (done.includes(service)) return;
    if (way.includes(service))
      throw new ArpanetError(
        'invalid',
        `${stack.at(service, 'depends_on')}: services wait for each other in a circle: ${[...way, service].join(' -> ')}`,
      );
    for (const { service: other } of dependencies(stack, service)) visit(other, [...way, service]);
    done.push(service);
  };
  for (const service of services) visit(service, []);
  return done;
}

function waveOf(service: string, stack: Stack, around: Surroundings, existing: readonly ContainerSummary[]): Wave {
  const definition = stack.services.get(service) ?? {};
  const mine = existing.filter((container) => container.Labels[composeLabels.service] === service);
  const numberOf = (container: ContainerSummary) => Number(container.Labels[composeLabels.number] ?? 0);
  const steps: Step[] = [];
  const after = dependencies(stack, service);
  return located(stack, service, () => {
    const isOnAll = isGlobal(definition);
    // A new instance cannot start on the host before the old one has stopped.
    const update: UpdateSettings = { ...updateOf(definition), ...(isOnAll ? { order: 'stop-first' } : {}) };
    const count = isOnAll ? around.hostCount : replicasOf(definition);
    // Existing instances keep their numbers, the lowest first; missing ones get the lowest free numbers.
    const kept = mine.toSorted((a, b) => numberOf(a) - numberOf(b)).slice(0, isOnAll ? undefined : count);
    const taken = new Set(kept.map(numberOf));
    let made: ReturnType<typeof requestsOf> | undefined;
    const requestOf = (number: number) => (made ??= requestsOf(service, definition, around))(number);
    const { platform, pull_policy: pull } = definition;
    const on: Pick<Step, 'platform' | 'pull'> = {
      ...(typeof platform === 'string' ? { platform } : {}),
      ...(pull === 'always' || pull === 'never' ? { pull } : {}),
    };
    for (const container of kept) {
      const number = numberOf(container);
      const request = requestOf(number);
      // A tag may mean another image by now. A container without the image's id in a label is not compared.
      const [madeOf, now] = [container.Labels[composeLabels.image], around.imageId(request.Image ?? '')];
      const isDefinedAlike = [composeLabels.configHash, labels.files].every((label) => container.Labels[label] === request.Labels?.[label]);
      const isSame = isDefinedAlike && (madeOf === undefined || now === undefined || madeOf === now);
      const action = !isSame ? 'recreate' : container.State === 'running' ? 'keep' : 'start';
      steps.push({ service, container: nameOf(around.project, service, definition, number), action, id: container.Id, request, ...on });
    }
    for (let number = 1; taken.size < count; number++) {
      if (taken.has(number)) continue;
      taken.add(number);
      const request = requestOf(number);
      steps.push({ service, container: nameOf(around.project, service, definition, number), action: 'create', request, ...on });
    }
    for (const container of mine.filter((one) => !kept.includes(one)))
      steps.push({ service, container: container.Names[0]?.slice(1) ?? container.Id, action: 'remove', id: container.Id });
    return { service, after, steps, count, isGlobal: isOnAll, update };
  });
}

export interface Wanted {
  /** In the cluster. */
  readonly name: string;
  /** Body of its create; undefined: it is external, and must exist. */
  readonly create: Json | undefined;
}

/** The secrets and configs that the files define, by `secret KEY` or `config KEY`. Throws `invalid`. */
export function storedObjectsOf(stack: Stack, project: string): ReadonlyMap<string, StoredObject> {
  return new Map(
    (['secret', 'config'] as const).flatMap((kind) =>
      Object.entries(stack[`${kind}s`]).map(([key, entry]) => [`${kind} ${key}`, storedObject(kind, key, entry, project)] as const),
    ),
  );
}

/** The networks and volumes that services use, under the names that the files give them. */
export function resourcesOf(
  stack: Stack,
  project: string,
): { readonly networks: ReadonlyMap<string, Wanted>; readonly volumes: ReadonlyMap<string, Wanted> } {
  const labelled = (value: unknown, kind: 'network' | 'volume', name: string) => ({
    ...labelsOf(value),
    [composeLabels.project]: project,
    [composeLabels[kind]]: name,
  });
  const of = (kind: 'network' | 'volume', named: Readonly<Record<string, Json | null>>, create: (name: string, entry: Json) => Json) =>
    new Map(
      Object.entries(named).map(([key, entry]): [string, Wanted] => {
        const { name, isExternal } = clusterNameOf(key, entry ?? {}, project);
        const body = () => ({ ...create(name, entry ?? {}), Labels: labelled(entry?.['labels'], kind, key) });
        return [key, { name, create: isExternal ? undefined : body() }];
      }),
    );
  return {
    networks: of('network', { default: {}, ...stack.networks }, (Name, entry) => ({
      Name,
      CheckDuplicate: true,
      ...(entry['driver'] === undefined || entry['driver'] === null ? {} : { Driver: entry['driver'] }),
      ...(entry['enable_ipv6'] === true || entry['enable_ipv6'] === 'true' ? { EnableIPv6: true } : {}),
      Internal: entry['internal'] === true,
      Attachable: entry['attachable'] === true,
      Options: entry['driver_opts'] ?? {},
      ...(isMap(entry['ipam']) ? { IPAM: ipamOf(entry['ipam']) } : {}),
    })),
    volumes: of('volume', stack.volumes, (Name, entry) => ({
      Name,
      ...(entry['driver'] === undefined || entry['driver'] === null ? {} : { Driver: entry['driver'] }),
      DriverOpts: entry['driver_opts'] ?? {},
    })),
  };
}

const ipamOf = (ipam: Json): Json => ({
  Config: (Array.isArray(ipam['config']) ? ipam['config'] : []).filter(isMap).map((one) => ({
    Subnet: one['subnet'],
    ...(one['gateway'] === undefined ? {} : { Gateway: one['gateway'] }),
    ...(one['ip_range'] === undefined ? {} : { IPRange: one['ip_range'] }),
    ...(one['aux_addresses'] === undefined ? {} : { AuxiliaryAddresses: one['aux_addresses'] }),
  })),
});
