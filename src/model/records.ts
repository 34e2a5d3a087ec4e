/**
 * What the state store keeps: the values behind the keys of `keys.ts`. All are plain JSON. Only the leader writes them.
 */
import type { CreateRequest, EndpointSettings, IpamConfig } from './docker.ts';
import type { HostTunnel } from './facts.ts';
import type { Decision } from './placement.ts';

/** `arpanet/hosts/<host>`: a host that has joined at least once. */
export interface HostRecord {
  readonly name: string;
  /** The address other hosts reach it at; the VXLAN's local end. */
  readonly address: string;
  /** `host:port` of its engine gateway. */
  readonly gateway: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly availability: 'active' | 'pause' | 'drain';
  /** Of a drain that has one, so that the next leader keeps it. */
  readonly drainDeadline?: DrainDeadline;
  /** Of a drain that is no operator's own: `upgrade`, after which the host takes containers again. Another word is of a newer release, and counts as none. */
  readonly drainedFor?: string;
  /** Labels that ops set over its agent's own; null takes one away. Merged into `labels`. */
  readonly setLabels?: Readonly<Record<string, string | null>>;
  readonly limits?: HostLimits;
  /** In bytes, of the link that carries the overlay; absent: not known. */
  readonly mtu?: number;
  /** It can keep a gateway address, which other hosts have as well, to its own containers. */
  readonly sharesGateway?: boolean;
  /** Its gateway speaks TLS alone. */
  readonly hasTls?: boolean;
  /** It can have encrypted networks. */
  readonly tunnel?: HostTunnel;
  readonly joinedAtMs: number;
}

export interface DrainDeadline {
  /** As it was asked for: from the beginning of the drain. */
  readonly afterMs: number;
  /** When it is over, since 1970. */
  readonly atMs: number;
}

/** What ops let the cluster use of a host; what is absent is all that its Engine says it has. */
export interface HostLimits {
  readonly cpus?: number;
  readonly memoryBytes?: number;
  /** That are not stopped. */
  readonly maxContainers?: number;
}

/** `arpanet/admissions/<host>`: whether a host that is not a member may join. Deleted when it joins. */
export interface AdmissionRecord extends Partial<Pick<HostRecord, 'setLabels' | 'limits' | 'availability'>> {
  readonly name: string;
  /** expected: it may join. removed: its agent is refused until the host is added again. */
  readonly kind: 'expected' | 'removed';
  /** Only a host at this address may join by this name. */
  readonly address?: string;
  /** Its address while it was a member: the other hosts drop overlay packets of what may still run there. */
  readonly was?: string;
  readonly atMs: number;
}

/** `arpanet/moves/<deployment>/<service>`: the migration of an instance to another host, so that the next leader finishes it. */
export interface MigrationRecord {
  readonly deployment: string;
  readonly service: string;
  /** Id of the instance that is removed once its replacement is healthy. */
  readonly from: string;
  readonly name: string;
  readonly host: string;
  /** The number of the replacement; where `keeps` is another, of a substitute until then. */
  readonly number: number;
  /** The number of the instance, which its replacement gets in the end, with its name and address. */
  readonly keeps?: number;
  /** To which host; undefined: placement decides. */
  readonly to?: string;
  readonly startedAtMs: number;
}

/** Addresses in it are paired with IPv4 leases (ipv6.ts). */
export interface NetworkIpv6 {
  /** Canonical. */
  readonly cidr: string;
  readonly isEnabled: boolean;
  /** As sent: shown back in inspect. */
  readonly config: IpamConfig;
}

/** A network of the cluster, at `arpanet/networks/<id>`. */
export interface NetworkRecord {
  /** 64 hex digits, minted by us; written over each Engine's own id in every answer. */
  readonly id: string;
  readonly name: string;
  readonly deployment: string;
  readonly cidr: string;
  /** Its owner named the subnet: Engines then show only the gateway that was named too. */
  readonly isSubnetAsked?: true;
  /** The IPv6 subnet asked for beside it; used only when it is on. */
  readonly ipv6?: NetworkIpv6;
  /** As sent. */
  readonly ipamOptions?: Readonly<Record<string, string>>;
  /** 1 to 2^24 - 1, unique in the cluster. */
  readonly vni: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  /** As asked for, where that was not `bridge`: every network is a cluster network. */
  readonly driver?: string;
  /** Asked for by that word, whatever the driver. */
  readonly scope?: 'swarm';
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ipRange?: string;
  /** Reserved. Where hosts do not share it, it is what the user asked for, and the first host has it. */
  readonly gateway?: string;
  /** Every host answers at `gateway`, for its own containers alone; networks of before have a gateway for each host. */
  readonly isGatewayShared?: true;
  /** Its owner named `gateway`. Of a network whose hosts do not share it, a gateway was always asked for. */
  readonly isGatewayAsked?: true;
  /** Addresses that were asked for by name, the newest last. */
  readonly asked?: readonly string[];
  readonly auxAddresses: Readonly<Record<string, string>>;
  /** Between hosts it goes through WireGuard: it was asked for with the option `encrypted`, or all were made so then. */
  readonly isEncrypted?: true;
  /** True when we made it for containers that named no network: it goes with its last container. */
  readonly implicit: boolean;
  readonly createdAtMs: number;
  /** Id of the API request that made it, so that a request sent again after a failover is answered and not refused. */
  readonly requestId?: string;
}

/** `arpanet/subnets/<cidr with / as _>`: a subnet has one owner. */
export interface SubnetRecord {
  readonly cidr: string;
  readonly network: string;
}

/** `arpanet/leases/<network id>/<ip>`. */
export interface LeaseRecord {
  readonly ip: string;
  readonly network: string;
  readonly kind: 'instance' | 'gateway' | 'user' | 'service';
  /** instance: container name. gateway: host name. service: `DEPLOYMENT/SERVICE`, whose one address it is. user: what the network's owner called it (aux address, gateway). */
  readonly owner: string;
  readonly host: string;
  /** offered: written before the container exists. bound: the container exists. resting: given back, not yet reusable. */
  readonly state: 'offered' | 'bound' | 'resting';
  readonly sinceMs: number;
  readonly epoch: number;
}

/** `arpanet/containers/<name>`: one name, one container in the whole cluster. */
export interface ContainerRecord {
  /** Without leading slash. */
  readonly name: string;
  /** The Engine's id; absent while the create is under way. */
  readonly id?: string;
  readonly host: string;
  readonly deployment: string;
  readonly service: string;
  readonly number: number;
  /** Addresses by network id. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Ids of networks that it is on without an address: another has it. It gets one at its next start. */
  readonly unaddressed?: readonly string[];
  /** Id of the network that it was made in and has left: its host keeps that, because its Engine asks for it by name. */
  readonly modeNetwork?: string;
  /** Network aliases as the user asked for them, by network id. They never reach the Engine. */
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  /** Endpoints of networks joined after the create, as asked for, by network id. */
  readonly connected?: Readonly<Record<string, EndpointSettings>>;
  /**
   * Links as the user asked for them: `alias` means `target` (a container name) for this container only, while both are on `network` (an id). Without a network,
   * as links of the default network and of earlier releases are, it means that wherever the two are.
   */
  readonly links: readonly { readonly target: string; readonly alias: string; readonly network?: string }[];
  /** Hostnames of those that it links to on the default network: names for it too. */
  readonly linkedHosts?: readonly { readonly target: string; readonly alias: string }[];
  /** Variables that its links gave it: not shown. */
  readonly linkEnv?: readonly string[];
  /** `HostConfig.NetworkMode` as the client sent it, where `request` holds what was made of it. */
  readonly networkModeSent?: string;
  /** The create request as the client sent it. */
  readonly request: CreateRequest;
  /** Numbers of host ports that were chosen for it, by container port (`80/tcp`) in the order of its bindings. */
  readonly ports?: Readonly<Record<string, readonly string[]>>;
  readonly decision: Decision;
  readonly createdAtMs: number;
  readonly requestId?: string;
  /** How long each stage of its create took, in ms; `before`: until the try that succeeded began. */
  readonly stagesMs?: Readonly<Record<string, number>>;
  /** 64 random hex digits, in its labels too: a container that has copied them is not this one. */
  readonly nonce?: string;
  /** The lost container that it replaces; or one that was never started, and whose id means this one. */
  readonly movedFrom?: { readonly id: string; readonly host: string; readonly atMs: number; readonly isUnstarted?: boolean };
}

/**
 * `arpanet/lost/<container id>`: a container on a lost host that is to be removed there when the host is back, because it was replaced or a client has
 * removed it.
 */
export interface LostRecord {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  /** Addresses by network id that stay reserved until it is removed from its host. Empty when its replacement has them. */
  readonly addresses: Readonly<Record<string, string>>;
  /** It was replaced: until it is removed, the other hosts drop the overlay packets of its host. */
  readonly isReplaced: boolean;
  readonly sinceMs: number;
  /** Ids of networks whose address of this container others may have: its host stays fenced until the container is off them. It is not removed for this. */
  readonly yielded?: readonly string[];
  /** Hosts that were unreachable themselves, and so do not drop those packets: theirs are dropped as well, until they have been informed. */
  readonly uninformed?: readonly string[];
}

/** `arpanet/volumes/<name>`: a named volume and the host that has its data; no host until a container first uses it. */
export interface VolumeRecord {
  readonly name: string;
  readonly host?: string;
  readonly driver: string;
  /** As the client sent them, or absent: an Engine tells the two apart when it shows a volume. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
}

/** `arpanet/tags/<reference>`: the image that a tag means in the whole cluster, and since when. */
export interface TagRecord {
  /** `app:latest`. */
  readonly tag: string;
  readonly id: string;
  readonly sinceMs: number;
}

/** `arpanet/certificates/<host>`: which certificates a host may show. */
export interface CertificateRecord {
  readonly host: string;
  /** Serial numbers, the newest first. */
  readonly serials: readonly string[];
  /** When the newest one ends, since 1970. */
  readonly untilMs: number;
  /** Which CA has signed the newest one, by its fingerprint; absent: an older release did not say. */
  readonly ca?: string;
  /** Since then it may not join, until it is readmitted. */
  readonly revokedMs?: number;
  /** Those that were taken from it, the newest first: agents refuse them. They stay when it is readmitted or removed. */
  readonly revokedSerials?: readonly string[];
}

/** The files of a deployment, and what of them is asked for. */
export interface DeployRequest {
  /** Texts by path: compose files, what these include and extend, env files. */
  readonly files?: Readonly<Record<string, string>>;
  /** Contents of secrets and configs by path, in base64. */
  readonly contents?: Readonly<Record<string, string>>;
  /** Paths of the compose files, later ones over earlier ones; the only file where it is not given. */
  readonly compose?: readonly string[];
  /** What relative paths are relative to, on the hosts too; where it is not given, binds of such paths are refused. */
  readonly folder?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly profiles?: readonly string[];
  /** These services alone, and what they depend on. */
  readonly services?: readonly string[];
  readonly removeOrphans?: boolean;
  /** The client has pulled and built the images. */
  readonly hasImages?: boolean;
}

/** `arpanet/deployments/<name>`: the last time that it was applied or released as a whole, with all that is needed to go on. */
export interface DeploymentRecord {
  readonly name: string;
  readonly state: 'applying' | 'applied' | 'failed' | 'stopped' | 'releasing';
  /** The id of the request that asked for it. */
  readonly operation: string;
  /** Since 1970. */
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
  readonly error?: string;
  /** Whose rights count; absent: of who needs none. */
  readonly client?: {
    readonly user: string;
    readonly kind: string;
    readonly fingerprint: string;
    readonly issuer: string;
    readonly from: string;
    readonly serial?: string;
  };
  /** Of all that was asked for. */
  readonly digest: string;
  /** As it was asked for; once it has ended without the contents of secrets, which have records of their own. */
  readonly request: DeployRequest;
  /** Of a release. */
  readonly isWithVolumes?: boolean;
}

/** `arpanet/passes/<digest>`: a join token with an end; its secret is kept nowhere. */
export interface PassRecord {
  /** SHA-256 of the secret, 64 hexadecimal digits. */
  readonly digest: string;
  /** Since 1970. */
  readonly untilMs: number;
  readonly isSingleUse: boolean;
  /** It joins the host of this name alone; absent: any. */
  readonly host?: string;
  /** Of a single use: who joined by it, since 1970 when, and with which key (SHA-256 of its PEM form). */
  readonly used?: { readonly host: string; readonly atMs: number; readonly key: string };
}

/** `arpanet/machines/<host>`: a machine that may boot as this host, and join as it each time that it does. */
export interface MachineRecord {
  readonly host: string;
  /** Of its network cards: lower case, with colons. */
  readonly macs: readonly string[];
  /** Of its board (SMBIOS), in lower case. With `macs` as well both are wanted. */
  readonly serial?: string;
  /** What it is given on the network that it boots from; absent: any. */
  readonly address?: string;
  /** Since 1970. */
  readonly atMs: number;
}

/** One certificate authority: its certificate and its private key (PKCS #8), both in PEM form. */
export interface StoredAuthority {
  readonly certificate: string;
  readonly key: string;
  /** What the CA before has certified this one with, while that is trusted still. */
  readonly cross?: string;
}

/** The cluster's certificate authorities. The first one signs; what any of them has signed is trusted. */
export interface CaRecord {
  readonly authorities: readonly StoredAuthority[];
  /** The last time that another one was made; absent: never. */
  readonly rotatedMs?: number;
}

/** Value of the lock `arpanet/leader`. */
export interface LeaderRecord {
  /** `http://ADDR:PORT` at which the other schedulers reach it. */
  readonly url: string;
  readonly name: string;
  /** Raised by every election. */
  readonly epoch: number;
}

/** A record that cannot be read as what its key promises. It is set aside: nobody works with it, and it costs nobody else anything. */
export interface UnreadableRecord {
  /** `arpanet/services/abc/web` */
  readonly key: string;
  /** For a person: `template.request.Env: is a string and not []string`. */
  readonly why: string;
  /** What it calls itself, as far as that can be read. */
  readonly name: string | undefined;
}
