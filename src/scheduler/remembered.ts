/** A recorded container whose host has told this leader nothing yet, as far as its record tells. Pure. */
import type { ContainerFacts, ContainerRecord, NetworkRecord } from '../model/index.ts';

/** Its state is not known: taken to be as it was when it was last heard of, up. */
export function rememberedFacts(record: ContainerRecord, id: string, networkOf: (id: string) => NetworkRecord | undefined): ContainerFacts {
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
      State: 'running',
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
        Status: 'running',
        Running: true,
        Paused: false,
        Restarting: false,
        Dead: false,
        ExitCode: 0,
        StartedAt: Created,
        FinishedAt: '0001-01-01T00:00:00Z',
      },
      Config: { ...request, Labels },
      HostConfig: { ...request.HostConfig, NetworkMode },
      NetworkSettings: { Networks },
      Mounts: [],
    },
  };
}
