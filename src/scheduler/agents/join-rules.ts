/** Facts of one host that would harm the whole cluster: such a host is refused, and no other. Pure. */
import type { IncomingMessage } from 'node:http';
import { isBearer } from '../../engine/bearer.ts';
import type { HostFacts } from '../../model/index.ts';
import { apiMinor, OLDEST_API_VERSION } from '../../text/api-version.ts';

type Window = Pick<HostFacts, 'name' | 'apiVersion' | 'minApiVersion'>;

const OLDEST_MINOR = apiMinor(OLDEST_API_VERSION);

/**
 * Why the host's API versions leave none that all hosts speak; undefined if one is left. Clients are offered what all hosts have in common
 * (`/_ping`), so a single host could lock out all of them.
 */
export function apiWindowFault(host: Window, others: readonly Window[]): string | undefined {
  const [oldest, newest] = [oldestOf(host), apiMinor(host.apiVersion)];
  const versions = `API versions ${host.minApiVersion || OLDEST_API_VERSION} to ${host.apiVersion}`;
  if (newest < OLDEST_MINOR) return `host ${host.name} reports ${versions}; arpanet needs ${OLDEST_API_VERSION} or later`;
  if (newest < oldest) return `host ${host.name} reports ${versions}, which is no range`;
  const other = others.find((each) => apiMinor(each.apiVersion) < oldest || oldestOf(each) > newest);
  if (other === undefined) return undefined;
  return `host ${host.name} reports ${versions}, and host ${other.name} ${other.minApiVersion} to ${other.apiVersion}: no version that both have`;
}

/** Which API versions the hosts here have: as many as differ, whatever the number of hosts. */
export function createWindows() {
  const windows = new Map<string, Map<string, Window>>();
  const keyOf = ({ minApiVersion, apiVersion }: Window): string => `${minApiVersion} ${apiVersion}`;
  return {
    enter(host: Window): void {
      const key = keyOf(host);
      const same = windows.get(key) ?? new Map<string, Window>();
      windows.set(key, same.set(host.name, host));
    },
    leave(host: Window): void {
      const same = windows.get(keyOf(host));
      same?.delete(host.name);
      if (same?.size === 0) windows.delete(keyOf(host));
    },
    /** Of each window one host that has it, other than this one. */
    besides: (name: string): readonly Window[] =>
      [...windows.values()].flatMap((same) => {
        for (const host of same.values()) if (host.name !== name) return [host];
        return [];
      }),
  };
}

const oldestOf = ({ minApiVersion }: Window): number => Math.max(OLDEST_MINOR, minApiVersion === '' ? 0 : apiMinor(minApiVersion));

/** `Name` of the component by which Podman says in `GET /version` that it is Podman (its API v1.41, pkg/api/handlers/compat/version.go). */
const PODMAN = 'Podman Engine';

/** Why the Engine of a host cannot be one of a cluster; undefined: it can. */
export function engineFault({
  name,
  version,
  info,
  overlay,
}: Pick<HostFacts, 'name' | 'version' | 'info' | 'overlay'>): string | undefined {
  const parts = Array.isArray(version['Components']) ? (version['Components'] as readonly { readonly Name?: unknown }[]) : [];
  if (parts.some((part) => part?.Name === PODMAN))
    return `host ${name} has Podman, which makes a network's bridge under a name of its own and only with its first container: let it have a Docker Engine`;
  const options = Array.isArray(info['SecurityOptions']) ? info['SecurityOptions'] : [];
  if (overlay === 'vxlan' && options.some((option) => /(?:^|,)name=rootless(?:,|$)/.test(String(option))))
    return `the Docker Engine of host ${name} is rootless: it has no networks of that machine; let it have one that runs as root`;
  return undefined;
}

/** Why a host is not the one whose name it says; undefined: it is, as far as certificates tell. `certified`: what its certificate says. */
export function impostorFault(
  { name, hasTls }: Pick<HostFacts, 'name' | 'hasTls'>,
  certified: string | undefined,
  isCertified: (host: string) => boolean,
): string | undefined {
  if (certified === undefined)
    return isCertified(name) ? `host ${name} has a certificate, and this agent shows none: it joins by https://` : undefined;
  if (certified !== name) return `the certificate is of host ${certified}, and the agent says that it is ${name}`;
  return hasTls === true ? undefined : `the agent of host ${name} has a certificate, and its gateway does not use it`;
}

/** Why an agent without a certificate is refused; undefined: it shows the join token. */
export const tokenFault = ({ headers }: Pick<IncomingMessage, 'headers'>, token: string): string | undefined =>
  isBearer(headers.authorization, token)
    ? undefined
    : 'the join token is missing or wrong: set ARPANET_JOIN_TOKEN to what `arpanet token` prints';
