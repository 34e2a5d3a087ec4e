/** The verdict on a container's labels, by what the view and the ledger know of its host's networks. Changes nothing. */
import { type ContainerInspect, keys, type LabelClaim, type LabelVerdict, type NetworkRecord } from '../../model/index.ts';
import type { SchedulerDeps } from '../deps.ts';
import type { ViewReader } from '../view/roles.ts';
import { judgeLabels } from './label-claims.ts';

export type Judge = (host: string, inspect: ContainerInspect) => LabelVerdict;

export function createJudge({ ledger, leader }: Pick<SchedulerDeps, 'ledger' | 'leader'>, view: Pick<ViewReader, 'networksOn'>): Judge {
  return (host, inspect) =>
    judgeLabels(
      {
        host,
        inspect,
        networkOf(name, { NetworkID }) {
          const there = view.networksOn(host).flatMap(({ network, engineId }) => {
            const record = ledger.get<NetworkRecord>(keys.network(network));
            return record === undefined ? [] : [{ record, engineId }];
          });
          // one that has not started yet has only the name that it asked for
          return there.find(({ record, engineId }) => (NetworkID ? engineId === NetworkID : record.name === name))?.record;
        },
      },
      leader,
    );
}

/** Undefined: it counts as one that arpanet did not make. */
export function claimOf(
  judge: Judge,
  container: { readonly host: string; readonly facts: { readonly inspect: ContainerInspect } },
): LabelClaim | undefined {
  const verdict = judge(container.host, container.facts.inspect);
  return verdict.kind === 'proven' ? verdict.claim : undefined;
}
