/** What reads derive from the view, kept as long as the view does not change; what a container shows, as long as its own facts do not. */
import {
  type ClusterNetwork,
  type ContainerFacts,
  type ContainerView,
  type HostView,
  type ImageSummary,
  isUnreachable,
  predefinedNetworks,
} from '../../model/index.ts';
import { shownNetwork } from '../../networks/index.ts';
import type { Cluster } from '../../contracts/index.ts';
import { linkNamesOf, type NetworkIdentities, type ShownContainer, showSummary } from '../containers/show.ts';
import { mergeImages, withDescendants } from '../images/list.ts';
import { apiMinor } from '../../text/api-version.ts';

export interface ViewMemo {
  networks(): NetworkIdentities;
  /** Names that links give, by the name of the container that they lead to. */
  linkNames(): ReadonlyMap<string, readonly string[]>;
  host(name: string): HostView | undefined;
  images(): readonly ImageSummary[];
  /** Ids of the image that a reference means and of all that are built on it; empty when unknown. */
  imagesOf(reference: string): ReadonlySet<string>;
  /** What the user called the image, or its id when that name has come to mean another one. */
  imageText(container: ShownContainer): string;
  shown(view: ContainerView, apiVersion: string): ShownContainer;
}

interface Kept {
  readonly record: ContainerView['record'];
  readonly networks: NetworkIdentities;
  readonly hostApi: string | undefined;
  readonly linkNames: readonly string[] | undefined;
  readonly shown: ShownContainer;
}

export function createViewMemo(cluster: Cluster): ViewMemo {
  let version = -1;
  let networks: NetworkIdentities = new Map();
  let networkList: readonly ClusterNetwork[] | undefined;
  let images: readonly ImageSummary[] | undefined;
  let links: ReadonlyMap<string, readonly string[]> | undefined;
  const imageIds = new Map<string, string | undefined>();
  const kept = { old: new WeakMap<ContainerFacts, Kept>(), current: new WeakMap<ContainerFacts, Kept>() };

  const refresh = (): void => {
    if (cluster.view.version() === version) return;
    version = cluster.view.version();
    images = undefined;
    links = undefined;
    imageIds.clear();
    const listed = cluster.networks.list();
    // the same list while no network comes or goes
    if (listed === networkList) return;
    networkList = listed;
    const made = listed.map(({ record }) => [record.name, { own: record.id, ...shownNetwork(record) }] as const);
    const now = new Map([...made, ...[...predefinedNetworks].map(([name, id]) => [name, { own: id, id, name }] as const)]);
    // the same map as before if nothing changed: what containers show is kept by it
    if (now.size !== networks.size || [...now].some(([name, { id }]) => networks.get(name)?.id !== id)) networks = now;
  };

  const imageId = (reference: string): string | undefined => {
    refresh();
    if (!imageIds.has(reference)) imageIds.set(reference, cluster.images.find(reference)?.id);
    return imageIds.get(reference);
  };

  const memo: ViewMemo = {
    networks() {
      refresh();
      return networks;
    },
    linkNames() {
      refresh();
      return (links ??= linkNamesOf(cluster.view.containersBy.linking()));
    },
    host: (name) => cluster.hosts.one(name),
    images() {
      refresh();
      const there = () =>
        cluster.hosts
          .list()
          .filter((host) => !isUnreachable(host.state))
          .map((host) => host.images);
      return (images ??= mergeImages(there(), cluster.images.tags()));
    },
    imagesOf(reference) {
      const id = imageId(reference);
      return id === undefined ? new Set() : withDescendants(memo.images(), id);
    },
    imageText({ imageReference, imageId: own }) {
      // Of a container that its host has not shown yet no image's id is known.
      return own === '' || imageReference === own || imageId(imageReference) === own ? imageReference : own;
    },
    shown(view, apiVersion) {
      refresh();
      const { facts, record } = view;
      const generation = apiMinor(apiVersion) < 48 ? kept.old : kept.current;
      const hostApi = cluster.hosts.one(view.host)?.facts?.apiVersion;
      const linkNames = memo.linkNames().get(view.name);
      const known = generation.get(facts);
      const isSame = known !== undefined && known.record === record && known.networks === networks && known.hostApi === hostApi;
      const isKnown = isSame && known.linkNames?.join() === linkNames?.join();
      if (isKnown && known.shown.view === view) return known.shown;
      // The host's state is the view's to tell, not the facts'.
      const shown = isKnown ? { ...known.shown, view } : showSummary(view, networks, apiVersion, hostApi, linkNames);
      generation.set(facts, { record, networks, hostApi, linkNames, shown });
      return shown;
    },
  };
  return memo;
}
