/** A new leader takes to their ends the deployments that the one before had begun. Effects: theirs. */
import type { DeploymentsRoom } from '../../deployments/index.ts';
import type { Operations } from '../../operator-api/index.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';

/** Each under the id that its operation has had, so that who followed it there finds it here. */
export function goOnWithDeployments(deployments: DeploymentsRoom, operations: Pick<Operations, 'goOn'>, log: Logger): void {
  for (const { name, state, operation: id, user, startedAtMs } of deployments.unfinished()) {
    const what = `${state === 'releasing' ? 'DELETE' : 'PUT'} /arpanet/v1/deployments/${name}`;
    log.info({ deployment: name, operation: id }, 'a deployment that another leader has begun goes on');
    const work = operations.goOn({ id, what, ...(user !== undefined && { user }), startedAtMs }, (progress, { signal }) =>
      deployments.goOn(name, { operation: id, progress, signal }),
    );
    inBackground(log, 'a deployment that another leader has begun', work);
  }
}
