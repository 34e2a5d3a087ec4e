/** What the leader says to a machine before it joins: whether the token counts, whose name and address these are, and what to do about it. Pure. */
import type { AdmissionRecord, HostView } from '../../model/index.ts';
import type { JoinFinding } from '../../operator-api/index.ts';
import { HOST_NAME_FORM, isHostName } from '../../text/names.ts';

/** The machine, as its script describes it. */
export interface Newcomer {
  readonly name: string;
  readonly address: string;
  /** Of its Engine (`ID` in `GET /info`); empty: not known. */
  readonly engineId: string;
  /** By its machine-id, as agents say it; empty: it has none. */
  readonly machine: string;
  /** It has the certificate of a host of this name on its disk. */
  readonly isKnown: boolean;
  /** In ms since 1970. */
  readonly clockMs: number;
}

/** What the leader knows. */
export interface KnownHosts {
  readonly hosts: readonly Pick<HostView, 'name' | 'state' | 'record' | 'facts'>[];
  readonly admissions: readonly Pick<AdmissionRecord, 'name' | 'kind' | 'address'>[];
  readonly whyRevoked: (host: string) => string | undefined;
  /** Why its API versions do not fit to those of the others. */
  readonly apiFault: string | undefined;
  /** In ms since 1970. */
  readonly nowMs: number;
}

/** Certificates are backdated by an hour; names, leases and logs suffer earlier. */
const SKEW_MS = 300_000;

/** In the order in which a person would ask. */
export function joinFindings(newcomer: Newcomer, known: KnownHosts): readonly JoinFinding[] {
  const { name, address } = newcomer;
  if (!isHostName(name)) return [fail(`"${name}" cannot be the name of a host`, `use ${HOST_NAME_FORM}`)];
  const byName = known.hosts.find((host) => host.name === name);
  const connected = byName?.state === 'alive' || byName?.state === 'joining' ? byName : undefined;
  if (connected?.record.address === address && newcomer.isKnown)
    return [{ kind: 'joined', text: `${name} is connected from here`, todo: connected.facts?.agentVersion ?? '' }];
  return [...clockFindings(newcomer, known), ...nameFindings(newcomer, known, connected !== undefined), ...placeFindings(newcomer, known)];
}

function clockFindings({ clockMs }: Newcomer, { nowMs }: KnownHosts): readonly JoinFinding[] {
  const apartMs = clockMs - nowMs;
  if (Number.isFinite(apartMs) && Math.abs(apartMs) < SKEW_MS) return [{ kind: 'ok', text: "the clock agrees with the leader's" }];
  const apart = `${Math.round(Math.abs(apartMs) / 60_000)} minutes ${apartMs < 0 ? 'behind' : 'ahead of'}`;
  return [
    fail(`the clock of this machine is ${apart} the leader's`, 'let both keep the time: timedatectl set-ntp true, or install chrony'),
  ];
}

function nameFindings({ name, address, machine, isKnown }: Newcomer, known: KnownHosts, isConnected: boolean): readonly JoinFinding[] {
  const why = known.whyRevoked(name);
  if (why !== undefined) return [fail(`host ${name} was revoked`, `"arpanet hosts readmit ${name}" lets it join again`)];
  const host = known.hosts.find((one) => one.name === name);
  const admission = known.admissions.find((one) => one.name === name);
  if (host === undefined && admission?.kind === 'removed')
    return [fail(`host ${name} was removed from the cluster`, `"arpanet hosts add ${name}" lets it join again`)];
  if (admission?.address !== undefined && admission.address !== address)
    return [
      fail(
        `${name} was added with the address ${admission.address}, and this machine is at ${address}`,
        `run the line there, or "arpanet hosts add ${name} --address ${address}"`,
      ),
    ];
  if (host === undefined) return [{ kind: 'ok', text: `the name ${name} is free` }];
  const there = host.record.address;
  if (isConnected && isKnown)
    return [
      fail(
        `this machine is a copy of host ${name}, which is connected from ${there}`,
        `here: this script with --remove, another machine-id (rm /etc/machine-id; systemd-machine-id-setup), and "arpanet hosts add" with another name`,
      ),
    ];
  if (isConnected)
    return [
      fail(
        `the name ${name} is taken: that host is connected from ${there}`,
        `choose another name; if this is ${name} without its files, end the agent that runs there first`,
      ),
    ];
  if (isKnown) return [{ kind: 'note', text: `host ${name} is ${host.state}: it comes back` }];
  const isSame = machine !== '' && host.facts?.machine === machine;
  const whose = isSame ? 'this machine, without its files' : there === address ? 'its disk was wiped, it seems' : `it was at ${there}`;
  return [
    {
      kind: 'note',
      text: `host ${name} is ${host.state} (${whose}): this machine takes its place, and what ran there is started again by its services`,
    },
  ];
}

function placeFindings({ name, address, engineId, machine }: Newcomer, { hosts, apiFault }: KnownHosts): readonly JoinFinding[] {
  const others = hosts.filter((host) => host.name !== name);
  const holder = others.find(({ record }) => record.address === address);
  const twin = engineId === '' ? undefined : others.find(({ facts }) => facts?.info['ID'] === engineId);
  const copy = machine === '' ? undefined : others.find(({ facts }) => facts?.machine === machine);
  return [
    ...(holder === undefined
      ? []
      : [
          fail(
            `${address} is the address of host ${holder.name}: a machine is one host`,
            `if this machine was ${holder.name} and has a new name: "arpanet drain ${holder.name}" and "arpanet hosts rm ${holder.name}", then here this script with --remove, then this line again`,
          ),
        ]),
    ...(apiFault === undefined ? [] : [fail(apiFault, 'upgrade Docker here or there')]),
    ...(copy === undefined ? [] : [copyFinding(copy)]),
    ...(twin === undefined || copy !== undefined
      ? []
      : [
          {
            kind: 'note' as const,
            text: `Docker has the same id here as on host ${twin.name}: this disk was copied from there. The cluster goes by names; other programs may not`,
          },
        ]),
  ];
}

/** One that runs is a copy's original; one that does not was this machine under another name. */
function copyFinding({ name, state, record }: KnownHosts['hosts'][number]): JoinFinding {
  const isConnected = state === 'alive' || state === 'joining';
  return {
    kind: 'note',
    text: isConnected
      ? `this machine has the machine-id of host ${name}, which is connected from ${record.address}: it is a copy of it. The cluster goes by names, but DHCP and logs may not: rm /etc/machine-id, systemd-machine-id-setup, and a reboot give it its own`
      : `this machine was host ${name}, by its machine-id, which is ${state}: was it renamed? "arpanet hosts rm ${name} --force" forgets that name, and its services start elsewhere`,
  };
}

const fail = (text: string, todo: string): JoinFinding => ({ kind: 'fail', text, todo });
