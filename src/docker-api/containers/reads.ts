/** `GET /containers/json` and `GET /containers/{id}/json`. Effects: asks Engines for sizes. */
import { statusText } from '../../engine/status.ts';
import type { ContainerFacts, ContainerInspect, ContainerSummary, ContainerView, HostView } from '../../model/index.ts';
import type { Cluster } from '../../contracts/index.ts';
import type { Answers, Read, ReadAnswer } from '../reads/answers.ts';
import { askHosts } from '../reads/ask-hosts.ts';
import { queryOf } from './candidates.ts';
import { parseSelection, selectContainers } from './select.ts';
import { isInspectStable, type NetworkIdentities, type ShownContainer, transformInspect } from './show.ts';
import { parseFilters } from '../reads/filters.ts';
import { each } from '../../telemetry/left-out.ts';
import { entriesIn } from '../json/entries.ts';
import { boolValue } from '../json/go-values.ts';
import { listOf } from '../reads/listed.ts';
import type { ViewMemo } from '../reads/view-memo.ts';

/** A Status may be behind its second by this much, so that hundreds of young containers do not each force a new list. */
const textSlackMs = 250;
/** Engines read the disk for these; a request to one that hangs is cancelled long before. */
const sizesTimeoutMs = 60_000;

interface Sizes {
  readonly SizeRw?: number;
  readonly SizeRootFs?: number;
}

export interface ContainerReads {
  readonly containerList: Read;
  /** Undefined: ask the container's Engine and pass its answer through `showInspect`. */
  readonly containerInspect: (...asked: Parameters<Read>) => ReadAnswer | undefined | Promise<ReadAnswer | undefined>;
  /** An Engine's own inspect as clients shall see it. */
  readonly showInspect: (raw: ContainerInspect, view: ContainerView, apiVersion: string) => ContainerInspect;
  /** An Engine's list element as clients shall see it. */
  readonly showListed: (summary: ContainerSummary, apiVersion: string) => unknown;
}

export function createContainerReads(cluster: Cluster, memo: ViewMemo, answers: Answers, now: () => number): ContainerReads {
  const inspects = new WeakMap<ContainerFacts, Inspected>();

  /** Ends of elements, as long as they are true. */
  const tails = new WeakMap<ShownContainer, Tail>();

  const tailOf = (shown: ShownContainer, nowMs: number): Tail => {
    const image = memo.imageText(shown);
    const known = tails.get(shown);
    if (known !== undefined && known.image === image && nowMs < known.untilMs) return known;
    const { facts, hostState } = shown.view;
    const { text, untilMs } = statusText(facts.inspect.State, nowMs);
    const status = hostState === 'alive' ? text : `Host ${hostState} (was: ${text})`;
    const made = { image, untilMs, json: `,"Image":${JSON.stringify(image)},"Status":${JSON.stringify(status)}` };
    tails.set(shown, made);
    return made;
  };

  const element = (shown: ShownContainer, nowMs: number, sizes: Sizes | undefined) => {
    const { json, untilMs } = tailOf(shown, nowMs);
    const size = sizes === undefined ? '' : `,${JSON.stringify(sizes).slice(1, -1)}`;
    return { json: `${shown.head}${json}${size}}`, untilMs };
  };

  const containerList: Read = (query, _params, apiVersion) => {
    const selection = parseSelection(query, parseFilters(query.get('filters')), apiVersion);
    const asked = queryOf(selection.filters, memo.networks(), memo.linkNames());
    const all = each(
      listOf('container'),
      (asked && cluster.view.containersBy.matching(asked)) ?? cluster.containers.list(),
      ({ name }) => name,
      (view) => memo.shown(view, apiVersion),
    );
    const chosen = selectContainers(all, selection, (reference) => memo.imagesOf(reference));
    const nowMs = now();
    if (selection.size) return withSizes(chosen, nowMs, apiVersion);
    const elements = chosen.map((shown) => element(shown, nowMs, undefined));
    const changesMs = elements.reduce((soonest, { untilMs }) => Math.min(soonest, untilMs), Number.POSITIVE_INFINITY);
    const json = `[${elements.map((one) => one.json).join(',')}]`;
    return answers.answer(json, { untilMs: Math.max(changesMs, nowMs + textSlackMs) });
  };

  const withSizes = async (chosen: readonly ShownContainer[], nowMs: number, apiVersion: string): Promise<ReadAnswer> => {
    const listed = await askHosts(cluster, '/containers/json?all=1&size=1', apiVersion, sizesTimeoutMs);
    const sizes = new Map(
      listed.answers.flatMap(({ answer }) =>
        entriesIn<ContainerSummary & Sizes>(answer).map(({ Id, SizeRw, SizeRootFs }): [string, Sizes] => [
          Id,
          { ...(SizeRw ? { SizeRw } : {}), SizeRootFs: SizeRootFs ?? 0 },
        ]),
      ),
    );
    const elements = chosen.map((shown) => element(shown, nowMs, sizes.get(shown.id) ?? { SizeRootFs: 0 }).json);
    return answers.answer(`[${elements.join(',')}]`, { untilMs: 0, warnings: listed.warnings });
  };

  const showInspect: ContainerReads['showInspect'] = (raw, view, apiVersion) =>
    transformInspect(raw, view, memo.networks(), memo.host(view.host), apiVersion);

  const inspectFromView = (query: URLSearchParams, reference: string, apiVersion: string): ReadAnswer | undefined => {
    const view = cluster.containers.one(reference);
    const isAlive = view.hostState === 'alive';
    if (isAlive && (boolValue(query.get('size')) || answers.hasExecs(view.id) || !isInspectStable(view.facts))) return undefined;
    const host = memo.host(view.host);
    const networks = memo.networks();
    const known = inspects.get(view.facts);
    const isKnown =
      known?.view.record === view.record &&
      known?.view.hostState === view.hostState &&
      known?.host === host &&
      known?.networks === networks;
    const entry: Inspected = isKnown && known !== undefined ? known : { view, host, networks, bodies: new Map() };
    if (entry !== known) inspects.set(view.facts, entry);
    const body = entry.bodies.get(apiVersion);
    if (body !== undefined) return answers.answer(body, { container: view.id });
    const shown = showInspect(view.facts.inspect, view, apiVersion);
    const answered = isAlive ? shown : { ...shown, State: { ...shown.State, Error: shown.State['Error'] || whyUnreachable(view, host) } };
    const made = answers.answer(JSON.stringify(answered), { container: view.id });
    entry.bodies.set(apiVersion, made.body);
    return made;
  };

  return {
    containerList: answers.settledRead('containers', containerList),
    containerInspect(query, params, apiVersion) {
      const reference = params['id'] ?? '';
      const { id } = cluster.containers.one(reference);
      const give = () => inspectFromView(query, id, apiVersion);
      return cluster.view.settled(id)?.then(give) ?? give();
    },
    showInspect,
    showListed(summary, apiVersion) {
      const view = cluster.view.containersBy.id(summary.Id);
      if (view === undefined) return summary;
      const { SizeRw, SizeRootFs } = summary as Sizes;
      const sizes = { ...(SizeRw ? { SizeRw } : {}), SizeRootFs: SizeRootFs ?? 0 };
      return JSON.parse(element(memo.shown(view, apiVersion), now(), sizes).json) as unknown;
    },
  };
}

/** Of a list's element, from what the user called the image on; it holds until then. */
interface Tail {
  readonly image: string;
  readonly json: string;
  /** Unix time in milliseconds. */
  readonly untilMs: number;
}

interface Inspected {
  readonly view: ContainerView;
  readonly host: HostView | undefined;
  readonly networks: NetworkIdentities;
  /** By API version. */
  readonly bodies: Map<string, Buffer>;
}

function whyUnreachable(view: ContainerView, host: HostView | undefined): string {
  return `host ${view.host} is ${view.hostState}${host?.why === undefined ? '' : `: ${host.why}`}`;
}
