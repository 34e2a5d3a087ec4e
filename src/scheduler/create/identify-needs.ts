/** What a create request needs of its host: volumes, paths, ports and other containers. Pure. */
import { ArpanetError, type CreateRequest, type HostConfig } from '../../model/index.ts';
import { parseBind, parseVolumesFrom } from '../../text/mount-spec.ts';
import type { Link, NetworkMode } from './identify-networks.ts';

export interface Together {
  /** A container, as the user referred to it. */
  readonly container: string;
  /** How it is shared: `volumes_from`, `network_mode`, `ipc`, `pid`, `link`. */
  readonly because: string;
}

export function volumesOf(request: CreateRequest): { readonly volumes: readonly string[]; readonly hostPaths: readonly string[] } {
  const sources = (request.HostConfig?.Binds ?? []).map(bindSource);
  const mounts = (request.HostConfig?.Mounts ?? []).flatMap((mount) =>
    mount.Source && (mount.Type === 'volume' || mount.Type === 'bind') ? [{ path: mount.Type === 'bind', source: mount.Source }] : [],
  );
  const all = [...sources.filter(Boolean).map((source) => ({ path: source.startsWith('/'), source })), ...mounts];
  const pick = (path: boolean) => [...new Set(all.filter((one) => one.path === path).map((one) => one.source))];
  return { volumes: pick(false), hostPaths: pick(true) };
}

/** Empty: it has none, or is none. */
function bindSource(text: string): string {
  const bind = parseBind(text);
  return typeof bind === 'string' ? '' : bind.source;
}

/** On the Engine's own bridge a link is the Engine's, so its target must exist; on cluster networks links are names and bind nothing. */
export function containersOf(
  request: CreateRequest,
  mode: NetworkMode,
  links: readonly Link[],
): { readonly volumesFrom: readonly string[]; readonly together: readonly Together[] } {
  const volumesFrom = (request.HostConfig?.VolumesFrom ?? []).map(volumesFromContainer);
  const shared = (value: string | undefined) => (value?.startsWith('container:') ? [value.slice('container:'.length)] : []);
  const because = (containers: readonly string[], why: string) => containers.map((container) => ({ container, because: why }));
  return {
    volumesFrom,
    together: [
      ...because(volumesFrom, 'volumes_from'),
      ...because(mode.kind === 'container' ? [mode.of] : [], 'network_mode'),
      ...because(shared(request.HostConfig?.IpcMode), 'ipc'),
      ...because(shared(request.HostConfig?.PidMode), 'pid'),
      ...because(mode.kind === 'native' && mode.name === 'bridge' ? links.map((link) => link.target) : [], 'link'),
    ],
  };
}

/** `db:ro` -> `db`. Throws `invalid` in an Engine's words. */
export function volumesFromContainer(value: string): string {
  const parsed = parseVolumesFrom(value);
  if ('problem' in parsed) throw new ArpanetError('invalid', parsed.problem);
  return parsed.container;
}

/** The host ports that bindings ask for by number, of a request or of an inspected container. Ports left to the Engine are not among them. */
export function hostPortsOf(bindings: HostConfig['PortBindings']): readonly string[] {
  return Object.entries(bindings ?? {}).flatMap(([port, wanted]) => {
    const protocol = port.split('/')[1] ?? 'tcp';
    return (wanted ?? []).flatMap(({ HostIp, HostPort }) =>
      HostPort && HostPort !== '0' ? [`${HostIp || '0.0.0.0'}:${HostPort}/${protocol}`] : [],
    );
  });
}
