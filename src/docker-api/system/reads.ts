/** `GET /info`, `/version`, `/system/df`. Effects: df asks every Engine. */
import type { ContainerSummary } from '../../model/index.ts';
import type { Cluster } from '../../contracts/index.ts';
import type { Answers, Read } from '../reads/answers.ts';
import { askHosts } from '../reads/ask-hosts.ts';
import { mergeDiskUsage, type ShownOfEngines, shownUsage } from './disk-usage.ts';
import { infoAt, showInfo } from './info.ts';
import { showVersion } from './version.ts';
import type { ViewMemo } from '../reads/view-memo.ts';
import { apiMinor } from '../../text/api-version.ts';

/** Loads change all the time without changing the view. */
const infoLifeMs = 1_000;
const SYSTEM_TIME = '"SystemTime":"';
/** Summing up a full disk takes its time; a request to an Engine that hangs is cancelled long before. */
const diskUsageTimeoutMs = 60_000;

export type SystemReads = Readonly<Record<'info' | 'version' | 'diskUsage', Read>>;

export function createSystemReads(
  cluster: Cluster,
  memo: ViewMemo,
  answers: Answers,
  showListed: (summary: ContainerSummary, apiVersion: string) => unknown,
  deps: { readonly now: () => number; readonly version: string; readonly isShown?: ShownOfEngines },
): SystemReads {
  const info: Read = (_query, _params, apiVersion) => {
    const nowMs = deps.now();
    const shown = showInfo(
      cluster.hosts.list(),
      cluster.containers.list(),
      memo.images().length,
      cluster.leader.about(),
      deps.version,
      nowMs,
    );
    const body = Buffer.from(`${JSON.stringify(infoAt(shown, apiMinor(apiVersion)))}\n`);
    // a client that asks what time it is here, to ask for events until then, must not get an earlier one
    const timeAt = body.indexOf(SYSTEM_TIME) + SYSTEM_TIME.length;
    return answers.answer(body, { untilMs: nowMs + infoLifeMs, timeAt });
  };

  const diskUsage: Read = async (query, _params, apiVersion) => {
    const search = query.size === 0 ? '' : `?${query.toString()}`;
    const { answers: usages, warnings } = await askHosts(cluster, `/system/df${search}`, apiVersion, diskUsageTimeoutMs);
    const merged = mergeDiskUsage(
      usages.map(({ answer }) => (deps.isShown === undefined ? answer : shownUsage(answer, deps.isShown))),
      (summary) => showListed(summary, apiVersion),
    );
    return answers.answer(JSON.stringify(merged), { untilMs: 0, warnings });
  };

  return {
    info: answers.settledRead('info', info),
    version: answers.settledRead('version', () => answers.answer(JSON.stringify(showVersion(cluster.hosts.list(), deps.version)))),
    diskUsage: answers.settledRead('df', diskUsage),
  };
}
