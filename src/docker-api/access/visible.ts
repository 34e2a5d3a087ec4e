/** What belongs to which deployment, as far as somebody who is limited to some may know (pure but for what is kept of the view). */
import type { Cluster } from '../../contracts/index.ts';
import { type ClusterNetwork, type ClusterVolume, type ContainerView, deploymentIn, deploymentLabel } from '../../model/index.ts';
import { isSharedBridge } from '../../networks/index.ts';
import { isIdPrefix } from '../../text/references.ts';
import { withoutSlash } from '../../text/names.ts';

type Labels = Readonly<Record<string, string>>;

/** What exists for somebody; nothing else does. */
export interface Visible {
  readonly deployment: (deployment: string) => boolean;
  /** Of objects that only their labels say something of. */
  readonly labels: (labels: Labels | null | undefined) => boolean;
  readonly container: (container: ContainerView) => boolean;
  readonly network: (network: ClusterNetwork) => boolean;
  readonly volume: (volume: ClusterVolume) => boolean;
  readonly containers: () => readonly ContainerView[];
  readonly hasContainer: (id: string) => boolean;
  /** What the reference means among these: full id, name, `/name`, `host/name`, or the beginning of an id. */
  readonly containersCalled: (reference: string) => readonly ContainerView[];
}

/** The deployment of a container: its record's, or for one that arpanet did not make what its labels say. */
export const deploymentOf = ({ record, facts }: ContainerView): string =>
  record?.deployment ?? deploymentIn(labelsOf(facts.inspect.Config['Labels']));

function labelsOf(value: unknown): Labels {
  return typeof value === 'object' && value !== null ? (value as Labels) : {};
}

/** A volume without a label is of those that use it; one that nobody uses, of `default`. */
function volumeUsers(containers: readonly ContainerView[]): ReadonlyMap<string, ReadonlySet<string>> {
  const users = new Map<string, Set<string>>();
  for (const container of containers) {
    const mounts = container.facts.inspect.Mounts ?? container.facts.summary.Mounts ?? [];
    for (const { Type, Name } of mounts) {
      if (Type !== 'volume' || Name === undefined) continue;
      users.set(Name, (users.get(Name) ?? new Set<string>()).add(deploymentOf(container)));
    }
  }
  return users;
}

/** What is kept is made again when the view changes, and then when it is asked for. */
export function visibleIn(cluster: Pick<Cluster, 'containers' | 'view'>, deployments: readonly string[]): Visible {
  const own = new Set(deployments);
  let version = -1;
  let kept: readonly ContainerView[] | undefined;
  let ids: ReadonlySet<string> | undefined;
  let users: ReadonlyMap<string, ReadonlySet<string>> | undefined;
  const refresh = (): void => {
    if (cluster.view.version() === version) return;
    version = cluster.view.version();
    kept = undefined;
    ids = undefined;
    users = undefined;
  };
  const deployment = (name: string): boolean => own.has(name);
  const container = (one: ContainerView): boolean => own.has(deploymentOf(one));
  const containers = (): readonly ContainerView[] => {
    refresh();
    return (kept ??= cluster.containers.list().filter(container));
  };
  return {
    deployment,
    labels: (given) => own.has(deploymentIn(given ?? {})),
    container,
    network: ({ record }) => own.has(record.deployment) || isSharedBridge(record),
    volume({ name, record, summary }) {
      const given = record?.labels ?? summary?.Labels ?? {};
      if (deploymentLabel(given) !== undefined) return own.has(deploymentIn(given));
      refresh();
      users ??= volumeUsers(cluster.containers.list());
      const by = users.get(name);
      return by === undefined ? own.has(deploymentIn({})) : [...by].some(deployment);
    },
    containers,
    hasContainer(id) {
      refresh();
      return (ids ??= new Set(containers().map((one) => one.id))).has(id);
    },
    containersCalled(reference) {
      const all = containers();
      const exact = all.find(({ id }) => id === reference);
      if (exact !== undefined) return [exact];
      const [name = '', host] = withoutSlash(reference).split('/').reverse();
      const named = all.filter((one) => one.name === name && (host === undefined || one.host === host));
      return named.length > 0 ? named : all.filter(({ id }) => isIdPrefix(reference, id));
    },
  };
}
