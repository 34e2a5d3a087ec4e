/**
 * `GET /version`. The top level is what features may be judged by: the oldest Engine among the hosts, and the API window that all of them
 * speak. Pure.
 */
import type { HostFacts, HostView, Json } from '../../model/index.ts';
import { windowOf } from '../api-versions.ts';
import { compareVersions } from '../../text/api-version.ts';

export function showVersion(hosts: readonly HostView[], version: string): Json {
  const { min, max } = windowOf(hosts);
  const reported = speakers(hosts);
  const least = reported.toSorted((a, b) => compareVersions(a.apiVersion, b.apiVersion))[0]?.version ?? {};
  const field = (name: string) => text(least[name]);
  const common = {
    ApiVersion: max,
    MinAPIVersion: min,
    GitCommit: field('GitCommit'),
    GoVersion: field('GoVersion'),
    Os: field('Os') || 'linux',
    Arch: field('Arch'),
    KernelVersion: field('KernelVersion'),
    BuildTime: field('BuildTime'),
  };
  const Version = field('Version') || version;
  return {
    Platform: { Name: `arpanet ${version}` },
    Components: [
      { Name: 'Engine', Version, Details: { ...common, Experimental: 'false' } },
      { Name: 'arpanet', Version: version, Details: { Hosts: `${hosts.length}` } },
      ...reported.map((facts) => ({
        Name: `Engine of ${facts.name}`,
        Version: text(facts.version['Version']),
        Details: {
          ApiVersion: facts.apiVersion,
          MinAPIVersion: facts.minApiVersion,
          Os: facts.os,
          Arch: facts.arch,
          KernelVersion: text(facts.version['KernelVersion']),
        },
      })),
    ],
    Version,
    ...common,
  };
}

/** Facts of the alive hosts; of all known ones while none is alive. */
export function speakers(hosts: readonly HostView[]): readonly HostFacts[] {
  const alive = hosts.filter((host) => host.state === 'alive');
  const reported = alive.flatMap((host) => (host.facts === undefined ? [] : [host.facts]));
  return reported.length > 0 ? reported : hosts.flatMap((host) => (host.facts === undefined ? [] : [host.facts]));
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
