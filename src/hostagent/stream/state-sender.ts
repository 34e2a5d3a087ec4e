/**
 * Tells a leader all that the Engine has: by its digest first, then what the leader does not hold, in pieces, none before the one before it has left this
 * process. An older leader gets one snapshot. Effects: messages to the leader.
 */
import { factsDigest, listDigest, snapshotDigest } from '../../engine/facts-digest.ts';
import type { ContainerFacts, EngineSnapshot } from '../../model/facts.ts';
import type { AgentMessage, LeaderMessage } from '../../model/wire.ts';

type Held = Extract<LeaderMessage, { type: 'held' }>;

export interface StateSender {
  /** The leader has welcomed this host. */
  readonly joined: (welcome: Pick<Extract<LeaderMessage, { type: 'welcome' }>, 'compares'>) => void;
  /** The Engine has been read again: all begins from scratch, if a leader has welcomed this host. */
  readonly again: () => void;
  /** The leader's answer. Resolves when all that differs is sent, or something newer has begun. */
  readonly held: (held: Held) => Promise<void>;
  /** This is sent as a change. */
  readonly changed: (message: Pick<Extract<AgentMessage, { type: 'containers' }>, 'upserts' | 'removes'>) => void;
}

export interface StateSenderParts {
  /** Undefined: the Engine is unreachable, or has not been read yet. */
  readonly state: () => EngineSnapshot | undefined;
  /** Why it is unreachable; undefined: it can be reached, or has not been read yet. */
  readonly trouble: () => string | undefined;
  readonly isJoined: () => boolean;
  readonly send: (message: AgentMessage) => void;
  /** Resolves when what was sent has left this process; false: the connection has ended. */
  readonly flushed: () => Promise<boolean>;
}

/** In characters of JSON; one container that is larger is a piece by itself. */
export const PIECE = 256 * 1024;

export function createStateSender({ state, trouble, isJoined, send, flushed }: StateSenderParts): StateSender {
  /** Which of the transfers goes on. */
  let turn = 0;
  /** Ids of what has changed since it began. */
  let changed = new Set<string>();
  let compares = false;

  function begin(): void {
    turn += 1;
    const snapshot = state();
    const why = snapshot === undefined ? trouble() : '';
    // A leader that compares learns that the Engine answers with what it has, and not before: what it holds may be over.
    if (snapshot !== undefined && compares) return send({ type: 'have', digest: snapshotDigest(snapshot) });
    if (why !== undefined) send({ type: 'engine', alive: snapshot !== undefined, why });
    if (snapshot !== undefined) send({ type: 'snapshot', snapshot });
  }

  return {
    joined(welcome) {
      compares = welcome.compares === true;
      begin();
    },
    again() {
      if (isJoined()) begin();
    },
    async held({ isSame, containers: known = {}, images, volumes }) {
      turn += 1;
      const mine = turn;
      changed = new Set();
      const begun = state();
      if (isSame === true || begun === undefined) return;
      const wanted = begun.containers.filter((facts) => known[facts.summary.Id] !== factsDigest(facts));
      for (const containers of inPieces(wanted)) {
        send({ type: 'piece', containers: containers.filter(({ summary }) => !changed.has(summary.Id)) });
        if (!(await flushed()) || turn !== mine) return;
      }
      const now = state();
      if (now === undefined) return;
      send({
        type: 'rest',
        containers: now.containers.map(({ summary }) => summary.Id),
        ...(listDigest(now.images) !== images && { images: now.images }),
        ...(listDigest(now.volumes) !== volumes && { volumes: now.volumes }),
        networks: now.networks,
      });
    },
    changed({ upserts, removes }) {
      for (const { summary } of upserts) changed.add(summary.Id);
      for (const id of removes) changed.add(id);
    },
  };
}

function* inPieces(all: readonly ContainerFacts[]): Generator<readonly ContainerFacts[]> {
  let piece: ContainerFacts[] = [];
  let size = 0;
  for (const facts of all) {
    const length = JSON.stringify(facts).length;
    if (piece.length > 0 && size + length > PIECE) {
      yield piece;
      piece = [];
      size = 0;
    }
    piece.push(facts);
    size += length;
  }
  if (piece.length > 0) yield piece;
}
