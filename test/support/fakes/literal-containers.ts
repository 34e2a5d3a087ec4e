/** Records and views of containers as literal data, for tests of decisions. */
import { createHash } from 'node:crypto';
import type { ContainerRecord, ContainerView } from '../../../src/model/index.ts';

/** `abc_pricing_2` is instance 2 of pricing in abc; its id is made from its name. */
export function literalRecord(name: string, over: Partial<ContainerRecord> = {}): ContainerRecord & { readonly id: string } {
  const [deployment = 'default', service = name, number = '1'] = name.split('_').slice(-3);
  return {
    name,
    id: createHash('sha256').update(name).digest('hex'),
    host: 'h1',
    deployment,
    service,
    number: Number(number),
    addresses: { n1: '10.32.0.64' },
    aliases: {},
    links: [],
    request: {},
    decision: { host: 'h1', strategy: 'spread', atMs: 1, scored: [], refused: [] },
    createdAtMs: 1,
    ...over,
  };
}

export function literalView(
  record: ContainerRecord,
  over: {
    readonly host?: string;
    readonly hostState?: ContainerView['hostState'];
    readonly running?: boolean;
    readonly ports?: readonly string[];
    /** What is different in `State` of its inspect. */
    readonly state?: object;
  } = {},
): ContainerView {
  const isRunning = over.running ?? true;
  const id = record.id ?? '';
  const status = isRunning ? 'running' : 'exited';
  return {
    id,
    name: record.name,
    host: over.host ?? record.host,
    hostState: over.hostState ?? 'alive',
    record,
    facts: {
      summary: {
        Id: id,
        Names: [`/${record.name}`],
        Image: 'busybox',
        ImageID: 'sha256:0',
        Created: 1,
        State: status,
        Status: 'Up',
        Labels: {},
      },
      inspect: {
        Id: id,
        Name: `/${record.name}`,
        Created: '',
        Image: 'sha256:0',
        State: {
          Status: status,
          Running: isRunning,
          Paused: false,
          Restarting: false,
          Dead: false,
          ExitCode: 0,
          StartedAt: '',
          FinishedAt: '',
          ...over.state,
        },
        Config: { ExposedPorts: Object.fromEntries((over.ports ?? []).map((port) => [port, {}])) },
        HostConfig: {},
        NetworkSettings: {},
      },
    },
  };
}
