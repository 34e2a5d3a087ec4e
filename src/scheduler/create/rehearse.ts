/** Where containers would go if they were created now, one after the other. Reads the view and the ledger; changes nothing. */
import type { HostSnapshot, RehearsedCreate } from '../../contracts/index.ts';
import { ArpanetError, type Placement } from '../../model/index.ts';
import { type Core, recordsBeforeView } from '../core.ts';
import { snapshotOf } from '../view/host-snapshots.ts';
import { identify } from './identify.ts';
import { filledNeeds } from './templates.ts';
import { chargeFor } from '../placement/load.ts';
import { place, placementRequest } from '../placement/index.ts';
import { needsOf } from '../placement/request.ts';
import { resolveContainer } from '../view/resolve-container.ts';
import { each } from '../../telemetry/left-out.ts';
import type { Volumes } from '../volumes/volumes.ts';

/** The hosts as placement sees them now, but for what was placed a moment ago. */
export function snapshotsNow(core: Core): readonly HostSnapshot[] {
  const creating = recordsBeforeView(core);
  return each(
    { kind: 'host', of: 'placement' },
    core.view.hosts(),
    ({ name }) => name,
    (host) => snapshotOf(core, host, creating),
  );
}

/** An image that nobody has yet refuses nothing: it may be pulled. */
export function createRehearse(core: Core, volumes: Volumes): (creates: readonly RehearsedCreate[]) => readonly Placement[] {
  const { deps, view, images } = core;
  return (creates) => {
    const nowMs = deps.now();
    const hosts = new Map(snapshotsNow(core).map((host) => [host.name, host]));
    return creates.map(({ name, request }): Placement => {
      try {
        const written = identify({ name, request, taken: () => [] });
        const identity = { ...written, ...filledNeeds(request, { ...written, nonce: '' }) };
        const wanted = placementRequest(identity, request, {
          name,
          volumesAt: identity.volumes.map((volume) => {
            const found = volumes.find(volume);
            return { volume, host: (found?.record?.driver ?? 'local') === 'local' ? found?.host : undefined };
          }),
          mustBeWith: identity.together.map(({ container, because }) => {
            const found = resolveContainer(container, view);
            return { container: found.name, host: found.host, because };
          }),
          imageHosts: images.find(request.Image ?? '')?.hosts ?? [],
        });
        const placement = place(wanted, [...hosts.values()], { strategy: deps.settings.strategy, nowMs, random: deps.random });
        const chosen = placement.kind === 'placed' ? hosts.get(placement.decision.host) : undefined;
        if (chosen !== undefined) {
          const { hostPorts, deployment, service } = wanted;
          hosts.set(chosen.name, {
            ...chosen,
            pending: [...chosen.pending, chargeFor(wanted, chosen, nowMs)],
            containers: [
              ...chosen.containers,
              {
                id: '',
                name,
                deployment,
                service,
                number: identity.number,
                labels: request.Labels ?? {},
                state: 'created',
                hostPorts,
                ...needsOf(request),
              },
            ],
          });
        }
        return placement;
      } catch (error) {
        if (error instanceof ArpanetError) return { kind: 'refused', message: error.message, refused: [] };
        throw error;
      }
    });
  };
}
