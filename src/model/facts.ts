/** What an agent tells the leader of its host: facts read off the Engine and the machine. Plain JSON. */
import type { NamedInstance } from './name-table.ts';
import type { ContainerInspect, ContainerSummary, ImageSummary, Json, VolumeSummary } from './docker.ts';

/** One container as its Engine describes it, both ways. `inspect` is absent when the container was removed in between. */
export interface ContainerFacts {
  readonly summary: ContainerSummary;
  readonly inspect: ContainerInspect;
}

/** The load of a host at one moment. Sizes in bytes, `cpu` as a share from 0 to 1. */
export interface Load {
  /** Busy share of all cores, 0 to 1, smoothed over some seconds. */
  readonly cpu: number;
  readonly memoryUsedBytes: number;
  readonly memoryTotalBytes: number;
  /** Busy share of the busiest link to other machines, in its busier direction, 0 to 1, smoothed; absent: not measured. */
  readonly network?: number;
}

/** How busy a host was in each of the last minutes, the oldest first, 60 at most: whole percents. */
export interface LoadHour {
  readonly cpu: readonly number[];
  readonly memory: readonly number[];
}

/** What an Engine gives to containers whose user named no DNS settings. */
export interface HostDns {
  /** Addresses from its flags or daemon.json; empty: those of resolv.conf. */
  readonly servers: readonly string[];
  /** Search domains, from there or from resolv.conf. */
  readonly search: readonly string[];
  /** Resolver options (`timeout:1`), from there or from resolv.conf; absent: an agent of before. */
  readonly options?: readonly string[];
}

/** One end of the tunnel that encrypted networks go through: a WireGuard interface of a host. */
export interface TunnelEnd {
  /** It speaks with the ends of the same slot on other hosts. */
  readonly slot: 'a' | 'b';
  /** Public: 32 octets in base64. */
  readonly key: string;
  /** UDP. */
  readonly port: number;
  /** Since 1970, by that host's clock. */
  readonly madeAtMs: number;
}

/** What a host encrypts networks with, and its public keys. */
export interface HostTunnel {
  /** In the kernel, or a wireguard-go process. */
  readonly kind: 'wireguard' | 'wireguard-go';
  readonly ends: readonly TunnelEnd[];
}

/** How far the upgrade of a host is. */
export interface UpgradeState {
  /** `none`: none was begun. */
  readonly state: 'none' | 'running' | 'ended';
  /** The exit code, once it has ended: 0 for an agent that came in with the new release. */
  readonly code?: number;
  /** What it printed, for a person. */
  readonly said: string;
}

/** What an agent reports of its host and Engine when it connects. Sizes in bytes. */
export interface HostFacts {
  readonly name: string;
  readonly address: string;
  /** `host:port` of the engine gateway. */
  readonly gateway: string;
  /** The gateway speaks TLS alone; absent: it speaks plain HTTP. */
  readonly hasTls?: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly overlay: 'vxlan' | 'none';
  readonly agentVersion: string;
  /** `GET /version` and `GET /info` of the Engine, as it gave them. */
  readonly version: Json;
  readonly info: Json;
  /** Engine API window, e.g. `1.41` and `1.12`. */
  readonly apiVersion: string;
  readonly minApiVersion: string;
  readonly os: string;
  readonly arch: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** It can keep a gateway address, which other hosts have as well, to its own containers; absent: it cannot, or an agent of before. */
  readonly sharesGateway?: boolean;
  /** Where other hosts reach it by IPv6; absent: nowhere, or an agent of before. */
  readonly address6?: string;
  /** It can answer for published ports of mode ingress: nft or iptables is installed. Absent: it cannot, or an agent of before. */
  readonly answersPorts?: true;
  /** It has a proxy for HTTP by name: `edge`, it answers clients; `hop`, it passes on to its instances what other hosts get. Absent: it has none, or an agent of before. */
  readonly http?: 'edge' | 'hop';
  /** TCP ports that this proxy takes; absent: it has none, or an agent of before. */
  readonly httpPorts?: readonly number[];
  /** Names of its network interfaces, without those of containers and of Docker's networks; absent: an agent of before. */
  readonly links?: readonly string[];
  /** IP addresses of these interfaces, where its agent may be reached, too; absent: an agent of before. */
  readonly addresses?: readonly string[];
  /** In bytes, of the link that carries the overlay; absent: no overlay, or an agent of before. */
  readonly mtu?: number;
  /** 32 hexadecimal digits of a digest of its machine-id. Absent: it has none, or an agent of before. */
  readonly machine?: string;
  /** It takes another release by itself when the leader says so; absent: it cannot, or an agent of before. */
  readonly upgradesItself?: true;
  /** It can have encrypted networks; absent: it cannot, or an agent of before. */
  readonly tunnel?: HostTunnel;
  /** CIDRs that the host already routes, so that the pool can keep clear of them. Those of our own networks are left out. */
  readonly routes: readonly string[];
  /** Absent: an agent of an earlier release. */
  readonly dns?: HostDns;
  /** It takes changes of the name table; absent: an agent of before, that knows whole tables only. */
  readonly takesNameChanges?: boolean;
}

/** The host's architecture in uname's words (`x86_64`), as an Engine's node tells it; in Go's where its Engine says no more. */
export function unameArch(facts: HostFacts | undefined): string {
  const said = facts?.info['Architecture'];
  return typeof said === 'string' && said !== '' ? said : (facts?.arch ?? '');
}

/** A cluster network that exists on a host now. */
export interface MaterialisedNetwork {
  readonly network: string;
  /** The Engine's own id of the bridge network. */
  readonly engineId: string;
  readonly gateway: string;
  /** No plan names it any more: it goes as soon as nobody is on it. Absent: it stays. */
  readonly isLeaving?: true;
}

/** A network that should exist on a host, with everything needed to build it. */
export interface NetworkPlan {
  readonly network: string;
  readonly name: string;
  readonly cidr: string;
  readonly vni: number;
  /** Where its containers find it. */
  readonly gateway: string;
  /** The other hosts have the same. */
  readonly isGatewayShared?: true;
  /** What it calls containers on other hosts from; absent: from its gateway, or not at all where that is shared. */
  readonly own?: string;
  readonly ipv6?: { readonly cidr: string; readonly gateway?: string; readonly isEnabled: boolean };
  /** Gateways of the other hosts and addresses the user reserved: the Engine must not use them. */
  readonly reserved: Readonly<Record<string, string>>;
  readonly internal: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  /** Addresses of the other hosts that have this network. */
  readonly peers: readonly string[];
  /** `macvlan` or `ipvlan`: on the host's own wire, without bridge, VXLAN and DNS. Absent: a bridge. */
  readonly driver?: string;
  /** The least MTU, in bytes, of the links that carry the overlay on any host; absent: only this host's counts. */
  readonly mtu?: number;
  /** Of an encrypted network: the tunnel's ends, by the address of the host. A peer without any is not reached. Absent: it is plain. */
  readonly encryption?: Readonly<Record<string, readonly TunnelEnd[]>>;
}

/** What a host's agent finds when it looks: our networks on its Engine and in its kernel, and the names that its DNS answers with. */
export interface HostObservation {
  readonly networks: readonly {
    readonly network: string;
    readonly name: string;
    readonly gateway: string;
    readonly bridge: string;
    /** The MTU of its containers in bytes; absent: 1500, or an older agent. */
    readonly mtu?: number;
    /** Its bridge is up and has the gateway's address; absent: an agent of before. */
    readonly isAddressed?: boolean;
  }[];
  /** All VXLAN devices of the cluster; none with `--overlay none`. */
  readonly vxlans: readonly {
    readonly device: string;
    readonly vni: number;
    readonly master: string;
    readonly isUp: boolean;
    /** In bytes; absent: an older agent. */
    readonly mtu?: number;
    readonly peers: readonly string[];
  }[];
  readonly names: readonly NamedInstance[];
  /** Containers that the agent cannot read from the Engine, and so does not report; absent: none, or an agent of an earlier release. */
  readonly unreadable?: readonly UnreadableContainer[];
  /** What else in its kernel is not as planned, in sentences; absent: nothing, or an agent of an earlier release. */
  readonly differs?: readonly string[];
}

/** A container that an Engine describes wrongly, or not at all. */
export interface UnreadableContainer {
  readonly id: string;
  /** Empty if the Engine reports none. */
  readonly name: string;
  readonly reason: string;
}

/** For `arpanet status` and `arpanet audit`. */
export const unreadableContainerText = ({ id, name, reason }: UnreadableContainer): string =>
  `container ${name === '' ? id.slice(0, 12) : name} cannot be read from its Engine and is not listed: ${reason}`;

/** What a process of the cluster (a scheduler, an agent) got over since it started: it logged and counted it, and went on. */
export interface ProcessFaults {
  /** Errors in handlers of packets, messages, timers and events that nobody expected. */
  readonly unexpectedErrors: number;
  /** Messages from the other end of a stream that were malformed. */
  readonly refusedMessages: number;
  /** Milliseconds since the newest unexpected error; absent without one. */
  readonly lastMsAgo?: number;
  /** What was going on then. */
  readonly lastPlace?: string;
}

/** A host whose stream the leader has ended, or whose hello it has refused. */
export interface CutHost {
  /** Empty: the agent had not given a name yet. */
  readonly host: string;
  readonly reason: string;
  /** It sent a malformed message; otherwise its hello was refused. */
  readonly isMalformed: boolean;
  readonly msAgo: number;
}

/** What one running container uses. */
export interface ContainerUsage {
  readonly id: string;
  /** Busy cores since the last look, or over half a second at the first. */
  readonly cores: number;
  /** Bytes, without the page cache that can be reclaimed. */
  readonly memoryBytes: number;
}

/** How a call to a port ended. */
export interface DialResult {
  /** silent: neither taken nor refused; what was sent was lost. */
  readonly outcome: 'open' | 'refused' | 'silent';
  readonly why: string;
}

/** All that an Engine has. */
export interface EngineSnapshot {
  readonly containers: readonly ContainerFacts[];
  readonly images: readonly ImageSummary[];
  readonly volumes: readonly VolumeSummary[];
  readonly networks: readonly MaterialisedNetwork[];
}
