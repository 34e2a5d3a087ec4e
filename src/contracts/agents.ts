/** The hosts' agents: their streams, and questions to them. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type {
  ContainerUsage,
  CutHost,
  DialResult,
  HostObservation,
  NamedInstance,
  NetworkPlan,
  PathTrial,
  UpgradeOrder,
  UpgradeState,
} from '../model/index.ts';

/** What a host's agent should have there. */
export interface ExpectedOnHost {
  readonly plans: readonly NetworkPlan[];
  readonly names: readonly NamedInstance[];
}

export interface Agents {
  /** Takes the socket of an agent's upgrade request, and answers it. */
  readonly accept: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Its stream is open, and it is heard. */
  readonly isConnected: (host: string) => boolean;
  /** Connects to a container's port from that host. Throws `unavailable` when the agent cannot be asked, as the next three do. */
  readonly dial: (host: string, address: string, port: number) => Promise<DialResult>;
  /** Lets the host answer a machine that tries its way to it, for two minutes. */
  readonly answerPath: (host: string, trial: PathTrial) => Promise<unknown>;
  /** What the host's agent finds there now: networks, devices, name table. */
  readonly look: (host: string) => Promise<HostObservation>;
  /** What the host's running containers use now. */
  readonly usage: (host: string) => Promise<readonly ContainerUsage[]>;
  /** Orders another release for the host, or asks how far that is. Throws `unsupported` for one that takes none, `conflict` while another runs, `unavailable`. */
  readonly upgrade: (host: string, order?: UpgradeOrder) => Promise<UpgradeState>;
  /** Sends all agents the settings that operators made for them. */
  readonly pushSettings: () => void;
  /** Ends the host's stream and all that goes to its Engine, at once. Whether it may come back is for others to say. */
  readonly disconnect: (host: string, why: string) => void;
  /** Hosts whose stream was ended or refused in the last ten minutes, and why. */
  readonly cut: () => readonly CutHost[];
  /** Malformed messages of agents, since the election. */
  readonly malformedMessages: () => number;
  /** What should be on the host, to be held against `look`. */
  readonly expected: (host: string, instances: readonly NamedInstance[]) => ExpectedOnHost;
}
