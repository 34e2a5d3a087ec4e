/** A recorded container that its host has not reported to this leader yet, as far as its record says. Pure. */
import type { ContainerFacts, ContainerRecord, NetworkRecord } from '../../model/index.ts';

/** As Engines write it. */
const NEVER = '0001-01-01T00:00:00Z';

/** Of one that is not just created the state is not known: assumed to be as it was in the last message, up. */
export function rememberedFacts(
  record: ContainerRecord,
  id: string,
  networkOf: (id: string) => NetworkRecord | undefined,
  state: 'running' | 'created' = 'running',
): ContainerFacts {
  const { request, name, createdAtMs } = record;
  const Created = new Date(createdAtMs).toISOString();
  const Labels = request.Labels ?? {};
  const Networks = Object.fromEntries(
    Object.entries(record.addresses).map(([network, IPAddress]) => [networkOf(network)?.name ?? network, { IPAddress, NetworkID: '' }]),
  );
  const NetworkMode = request.HostConfig?.NetworkMode ?? 'default';
  const Image = request.Image ?? '';
  return {
    summary: {
      Id: id,
      Names: [`/${name}`],
      Image,
      ImageID: '',
      Command: '',
      Created: Math.floor(createdAtMs / 1000),
      State: state,
      Status: '',
      Labels,
      Ports: [],
      HostConfig: { NetworkMode },
      NetworkSettings: { Networks },
      Mounts: [],
    },
    inspect: {
      Id: id,
      Name: `/${name}`,
      Created,
      Image: '',
      RestartCount: 0,
      State: {
        Status: state,
        Running: state === 'running',
        Paused: false,
        Restarting: false,
        Dead: false,
        ExitCode: 0,
        StartedAt: state === 'running' ? Created : NEVER,
        FinishedAt: NEVER,
      },
      Config: { ...request, Labels },
      HostConfig: { ...request.HostConfig, NetworkMode },
      NetworkSettings: { Networks },
      Mounts: [],
    },
  };
}
