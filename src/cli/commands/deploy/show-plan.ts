/** What a deploy would do, host by host, as text. Effects: the terminal. */
import type { DeployPlan } from '../../../contracts/index.ts';
import { ArpanetError } from '../../../model/errors.ts';
import type { Terminal } from '../../command.ts';
import { table } from '../../output/table.ts';

const MARK = { create: 'create', recreate: 'recreate', start: 'start', keep: 'stays', remove: 'remove', refused: 'REFUSED' } as const;

/** On a terminal the reasons are below the table, which is no wider than it. Throws `unplaceable` where not all of it fits. */
export function showPlan(plan: DeployPlan, isJson: boolean, { out, columns }: Pick<Terminal, 'out' | 'columns'>): void {
  const { creates, steps } = plan;
  if (isJson) out(`${JSON.stringify(plan, undefined, 2)}\n`);
  else {
    for (const { kind, name } of creates) out(`create ${kind} ${name}\n`);
    const cells = steps.map(({ host, container, action, networks, addresses, image, imageNote, why = '' }) => [
      host,
      container,
      MARK[action],
      networks.join(','),
      addresses.join(','),
      imageNote === undefined ? image : `${image} (${imageNote})`,
      why,
    ]);
    const heads = ['HOST', 'CONTAINER', 'WHAT', 'NETWORKS', 'ADDRESSES', 'IMAGE', 'WHY'];
    if (columns === undefined) out(`${table(heads, cells)}\n`);
    else {
      const narrow = cells.map((row) => row.slice(0, -1));
      out(`${table(heads.slice(0, -1), narrow, columns)}\n`);
      for (const { container, why } of steps) if (why !== undefined) out(`${container}: ${why}\n`);
    }
  }
  if (steps.some(({ action }) => action === 'refused')) throw new ArpanetError('unplaceable', 'not all of it fits; nothing was changed');
}
