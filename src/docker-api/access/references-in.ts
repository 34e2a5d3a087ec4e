/** What a create request names of other objects: containers, networks, volumes (pure). Docker API v1.24 and later, `POST /containers/create`. */
import type { CreateRequest } from '../../model/index.ts';
import { predefinedName } from '../../networks/index.ts';
import { parseBind, parseVolumesFrom } from '../../text/mount-spec.ts';

/** As the request writes them. */
export interface References {
  readonly containers: readonly string[];
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
}

/** Namespaces that are another container's. */
const SHARED = /^container:(.*)$/s;

/** What is malformed is not named: it is refused later, in an Engine's words. */
export function referencesIn(request: Pick<CreateRequest, 'HostConfig' | 'NetworkingConfig'>): References {
  const { HostConfig, NetworkingConfig } = request;
  const modes = [
    HostConfig?.NetworkMode,
    HostConfig?.['PidMode'],
    HostConfig?.['IpcMode'],
    HostConfig?.['UTSMode'],
    HostConfig?.['UsernsMode'],
  ];
  const endpoints = Object.entries(NetworkingConfig?.EndpointsConfig ?? {});
  const shared = modes.flatMap((mode) => (typeof mode === 'string' ? (SHARED.exec(mode)?.slice(1, 2) ?? []) : []));
  const from = texts(HostConfig?.['VolumesFrom']).flatMap((text) => {
    const parsed = parseVolumesFrom(text);
    return 'container' in parsed ? [parsed.container] : [];
  });
  const links = [...texts(HostConfig?.['Links']), ...endpoints.flatMap(([, endpoint]) => texts(endpoint?.['Links']))];
  const mode = HostConfig?.NetworkMode ?? '';
  const networks = [
    ...(SHARED.test(mode) ? [] : [mode]),
    ...endpoints.flatMap(([network, endpoint]) => [network, ...texts([endpoint?.['NetworkID']])]),
  ];
  return {
    containers: [...shared, ...from, ...links.map((link) => link.split(':')[0] ?? '')],
    networks: networks.filter((network) => network !== '' && network !== 'default' && predefinedName(network) === undefined),
    volumes: volumesIn(HostConfig ?? {}),
  };
}

function volumesIn(hostConfig: NonNullable<CreateRequest['HostConfig']>): readonly string[] {
  const binds = texts(hostConfig['Binds']).flatMap((text) => {
    const bind = parseBind(text);
    return typeof bind === 'string' || bind.source === '' || bind.source.startsWith('/') ? [] : [bind.source];
  });
  const mounts = Array.isArray(hostConfig['Mounts'])
    ? (hostConfig['Mounts'] as readonly ({ Type?: unknown; Source?: unknown } | null)[])
    : [];
  return [...binds, ...mounts.flatMap((mount) => (mount?.Type === 'volume' ? texts([mount.Source]) : []))];
}

const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string' && one !== '') : [];
