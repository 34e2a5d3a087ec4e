/** Machines that boot from the network: what boot servers and the leader say to each other, and what is shown of it. */
import type { MachineRecord } from '../model/index.ts';

/** What a machine says of itself when it boots. */
export interface BootingMachine {
  readonly mac: string;
  /** As iPXE reads it from SMBIOS; empty: it has none. */
  readonly serial: string;
}

/** What a DHCP server has given to a network card. */
export interface BootLease {
  readonly mac: string;
  readonly address: string;
  /** What the machine calls itself; empty: nothing. */
  readonly name: string;
  /** In ms since 1970. */
  readonly untilMs: number;
}

/** A machine that has asked for a script. */
export interface SeenMachine extends BootingMachine {
  readonly product: string;
  /** `pcbios` or `efi`. */
  readonly firmware: string;
  /** Since 1970. */
  readonly atMs: number;
}

/** What a boot server says of itself, every two seconds. */
export interface BootServerReport {
  readonly name: string;
  readonly interface: string;
  readonly address: string;
  /** `10.50.0.0/24`: of the servers of one network one answers at a time. */
  readonly network: string;
  /** It does answer machines. */
  readonly answers: boolean;
  /** Why it cannot; absent: it can. */
  readonly trouble?: string;
  /** What an operator should know: another DHCP server, a machine that loads iPXE again and again. */
  readonly warnings: readonly string[];
  /** What its machines run: `0.2.0 on Linux 6.1.0-57-amd64`. */
  readonly image?: string;
  readonly leases: readonly BootLease[];
  /** Machines that have asked it for a script. */
  readonly seen: readonly SeenMachine[];
}

/** A boot server, as the leader knows it. */
export interface KnownBootServer extends Omit<BootServerReport, 'leases' | 'seen'> {
  /** Since 1970. */
  readonly heardMs: number;
}

/** What the leader answers to a report. */
export interface BootOrders {
  /** It may answer machines, until its next report. */
  readonly answers: boolean;
  /** Of all servers of its network. */
  readonly leases: readonly BootLease[];
  readonly machines: readonly MachineRecord[];
}

/** Which host a machine is, and by what it joins. */
export interface BootPass {
  readonly host: string;
  readonly token: string;
  /** URLs of schedulers. */
  readonly join: readonly string[];
}

/** A machine, as operators see it. */
export interface BootMachine {
  /** Absent: nobody has approved it. */
  readonly host?: string;
  /** Of the host: `alive`, `down`, …; `approved`: it has not joined yet; `stranger`: nobody has approved it. */
  readonly state: string;
  readonly macs: readonly string[];
  readonly serial?: string;
  /** On the network that it boots from. */
  readonly address?: string;
  readonly product?: string;
  /** `pcbios` or `efi`. */
  readonly firmware?: string;
  /** When it asked for its script last, since 1970. */
  readonly bootedMs?: number;
}

/** What there is. */
export interface BootState {
  readonly servers: readonly KnownBootServer[];
  readonly machines: readonly BootMachine[];
}

/** The leader's part. */
export interface Boot {
  /** Takes what a server says. */
  readonly report: (report: BootServerReport) => BootOrders;
  /** A token by which the machine joins as its host, once. Throws `not-found` where nobody approved it, `conflict` while that host is connected or without TLS, `forbidden` for one that was revoked. */
  readonly pass: (machine: BootingMachine) => Promise<BootPass>;
  readonly state: () => BootState;
  /** As they are kept. Throws `invalid` for what is no MAC address or serial number, and `conflict` where they are another host's. */
  readonly ids: (
    host: string,
    given: { readonly macs?: readonly string[]; readonly serial?: string },
  ) => Pick<MachineRecord, 'macs' | 'serial'>;
  /** The machine may boot as this host. */
  readonly approve: (host: string, ids: Pick<MachineRecord, 'macs' | 'serial'>, address: string | undefined) => Promise<MachineRecord>;
}
