/** Which hosts try the way to a machine before it joins, and over what. Pure. */
import type { HostView, PathTrial } from '../../model/index.ts';
import type { JoinFinding } from '../../operator-api/index.ts';

type Host = Pick<HostView, 'name' | 'state' | 'record' | 'facts'>;

/** A machine that is to join. `mtu`: of its link, in bytes. */
export interface PathsWanted {
  readonly name: string;
  readonly address: string;
  readonly mtu: number;
}

/** More hosts would seldom show more, and each is tried for seconds where a way is closed. */
const MOST_HOSTS = 4;
/** Link-local (RFC 3927), each in a network namespace of the trial alone. */
const INNER = '169.254.77.';

export interface PathPlan {
  readonly findings: readonly JoinFinding[];
  readonly trials: readonly { readonly host: string; readonly address: string; readonly trial: PathTrial }[];
}

/** `vni`: of no network. Where there are many hosts, some by name, evenly chosen. */
export function pathPlan({ name, address, mtu }: PathsWanted, hosts: readonly Host[], vni: number): PathPlan {
  const before = hosts.find((host) => host.name === name || host.record.address === address);
  // once it is lost they drop what it sends, until it is in again
  if (before !== undefined)
    return note(`UDP 4789 was not tried: the others may drop the overlay packets of host ${before.name} until it is in`);
  const able = hosts.filter(({ state, facts }) => state === 'alive' && facts?.overlay === 'vxlan');
  if (able.length === 0) return note('UDP 4789 was not tried: there is no other host yet');
  const step = Math.ceil(able.length / MOST_HOSTS);
  const chosen = able.toSorted((one, other) => (one.name < other.name ? -1 : 1)).filter((_, i) => i % step === 0);
  // packets of the cluster's networks are as large as the least of all links carries
  const least = Math.min(mtu, ...able.flatMap(({ facts }) => facts?.mtu ?? []));
  const theirs = `${INNER}254`;
  return {
    findings: [],
    trials: chosen.map((host, i) => ({
      host: host.name,
      address: host.record.address,
      trial: { peer: address, vni, own: `${INNER}${i + 1}`, theirs, mtu: least },
    })),
  };
}

/** As the script reads it. */
export const pathFinding = ({ host, address, trial }: PathPlan['trials'][number]): JoinFinding => ({
  kind: 'path',
  text: host,
  todo: [address, trial.own, trial.vni, trial.theirs, trial.mtu].join(' '),
});

const note = (text: string): PathPlan => ({ findings: [{ kind: 'note', text }], trials: [] });
