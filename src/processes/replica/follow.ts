/**
 * A follower's copy of the leader's view: asked for again whenever the connection to the leader ends. Effects: a connection to the leader, timers.
 */
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { growingPause } from '../../async/growing-pause.ts';
import type { ReplicaSeeds, ReplicaView } from '../../contracts/index.ts';
import { addressIn, openUpgrade } from '../../engine/index.ts';
import { lines } from '../../engine/lines.ts';
import { ArpanetError } from '../../model/index.ts';
import { createReplicaCopy, readReplicaMessage, REPLICA_HEADER, REPLICA_PROTOCOL, type ReplicaCopy } from '../../scheduler/index.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import { createQuestions } from './questions.ts';

const [FIRST_PAUSE_MS, MOST_PAUSE_MS] = [200, 5_000];

export interface ReplicaFollower {
  /** The copy, while it is whole and the leader answers. */
  readonly view: () => ReplicaView | undefined;
  /** From now on this is the leader; undefined: nobody is, as far as is known, or this scheduler itself. */
  readonly follow: (leaderUrl: string | undefined) => void;
  /** What it has of hosts, also of a leader that is gone; from then on it has nothing. */
  readonly seeds: () => ReplicaSeeds | undefined;
}

/** `tls`: for a leader that is reached by https; it may come later. All ends with `signal`. */
export function createReplicaFollower(
  { tls, log }: { readonly tls: () => ConnectionOptions | undefined; readonly log: Logger },
  signal: AbortSignal,
): ReplicaFollower {
  let view: ReplicaView | undefined;
  /** The last that was whole. */
  let kept: ReplicaCopy | undefined;
  let following = new AbortController();
  let leader: string | undefined;
  signal.addEventListener('abort', () => following.abort(), { once: true });

  async function run(url: string, ended: AbortSignal): Promise<void> {
    const pause = growingPause(FIRST_PAUSE_MS, MOST_PAUSE_MS);
    while (!ended.aborted) {
      await copyFrom(url, ended, () => pause.reset()).catch((err: unknown) => {
        if (!ended.aborted) log.debug({ err, leader: url }, "no copy of the leader's view: requests are passed on");
      });
      await sleep(pause.next(), undefined, { signal: ended }).catch(() => undefined);
    }
  }

  async function copyFrom(url: string, ended: AbortSignal, isWhole: () => void): Promise<void> {
    const socket = await dialLeader(url, tls(), ended);
    const cut = (): void => {
      socket.destroy();
    };
    socket.on('error', cut);
    ended.addEventListener('abort', cut, { once: true });
    const copy = createReplicaCopy();
    const questions = createQuestions((question) => socket.write(`${JSON.stringify(question)}\n`), cut);
    const mine: ReplicaView = { cluster: copy.cluster, execs: copy.execs, now: questions.now };
    try {
      for await (const line of lines(socket)) {
        // what had come before the end was read is nobody's
        if (ended.aborted) break;
        const message = readReplicaMessage(line);
        if (message.type === 'now') questions.answered(message.ask, message.who);
        else if (message.type === 'whole') {
          [view, kept] = [mine, copy];
          isWhole();
          log.info({ leader: url }, "this scheduler has a copy of the leader's view");
        } else if (message.type !== 'begin') copy.apply(message);
      }
    } finally {
      ended.removeEventListener('abort', cut);
      if (view === mine) view = undefined;
      questions.close();
      socket.destroy();
    }
  }

  return {
    view: () => view,
    follow(leaderUrl) {
      if (leaderUrl === leader) return;
      leader = leaderUrl;
      following.abort();
      view = undefined;
      following = new AbortController();
      if (signal.aborted || leaderUrl === undefined) return;
      inBackground(log, "the copy of the leader's view", run(leaderUrl, following.signal));
    },
    seeds() {
      const seeds = kept?.seeds();
      kept = undefined;
      return seeds;
    },
  };
}

async function dialLeader(url: string, tls: ConnectionOptions | undefined, signal: AbortSignal): Promise<Socket> {
  const { host, port, isTls } = addressIn(url);
  if (isTls && tls === undefined) throw new ArpanetError('unavailable', 'this scheduler has no certificate yet');
  return await openUpgrade({
    host,
    port,
    path: '/arpanet/v1/replica',
    protocol: 'arpanet',
    headers: { [REPLICA_HEADER]: REPLICA_PROTOCOL },
    what: `the leader at ${url}`,
    signal,
    ...(isTls && { tls }),
  });
}
