/** Answers and the bytes kept of them. Effects: memory. */
import type { Cluster } from '../../contracts/index.ts';
import { type Ready, ReadyBytes } from './ready-bytes.ts';

export interface ReadAnswer {
  readonly status: number;
  readonly body: Buffer;
  /** Default: application/json. */
  readonly contentType?: string;
  /** What is missing from the answer and why, for a `Warning` header. */
  readonly warnings?: readonly string[];
}

export type Read = (
  query: URLSearchParams,
  params: Readonly<Record<string, string>>,
  apiVersion: string,
) => ReadAnswer | Promise<ReadAnswer>;

export interface Life {
  /** Unix time in milliseconds; default: as long as the view does not change. 0: not to be kept. */
  readonly untilMs?: number;
  /** The container that the answer is about, if it is about one. */
  readonly container?: string;
  /** Where in the body the time of the answer is, if it has one. */
  readonly timeAt?: number;
  readonly warnings?: readonly string[];
}

export interface Answers {
  /** `content` is JSON text, or the body of an earlier answer that is true again. */
  readonly answer: (content: string | Buffer, life?: Life) => ReadAnswer;
  /** A read that waits for what is under way, so that clients see their own writes, and then answers from ready bytes or newly made ones. */
  readonly settledRead: (kind: string, make: Read) => Read;
  /** The answer to this very URL if it is ready and still true. */
  readonly cached: (rawUrl: string) => Buffer | undefined;
  /** Makes `cached` find an answer that a read gave; one that cannot be kept is not. */
  readonly remember: (rawUrl: string, body: Buffer) => void;
  /** An exec was made in the container: from now on only its Engine knows its ExecIDs. */
  readonly execSeen: (id: string) => void;
  readonly hasExecs: (id: string) => boolean;
}

const readyLimitBytes = 24 * 1024 * 1024;

/** `execs`: ids of containers in which an exec was made; those who answer from the same cluster share it. */
export function createAnswers(cluster: Cluster, now: () => number, execs: Set<string>, execMade?: (container: string) => void): Answers {
  const ready = new ReadyBytes(readyLimitBytes);
  const keepable = new WeakMap<Buffer, Ready>();

  const answer: Answers['answer'] = (content, { untilMs = Number.POSITIVE_INFINITY, container, timeAt, warnings = [] } = {}) => {
    const body = typeof content === 'string' ? Buffer.from(`${content}\n`) : content;
    if (untilMs > 0) keepable.set(body, { body, version: cluster.view.version(), untilMs, container, timeAt });
    return { status: 200, body, ...(warnings.length === 0 ? {} : { warnings }) };
  };

  const keep = (key: string, body: Buffer): void => {
    const entry = keepable.get(body);
    if (entry !== undefined) ready.put(key, entry);
  };

  return {
    answer,
    settledRead(kind, make) {
      return (query, params, apiVersion) => {
        const key = `${kind} ${apiVersion} ${Object.values(params).join('/')} ${query.toString()}`;
        const give = (): ReadAnswer | Promise<ReadAnswer> => {
          const known = ready.get(key, cluster.view.version(), now());
          if (known !== undefined) return { status: 200, body: known.body };
          const made = make(query, params, apiVersion);
          if (!(made instanceof Promise)) keep(key, made.body);
          return made;
        };
        return cluster.view.settled()?.then(give) ?? give();
      };
    },
    cached(rawUrl) {
      const entry = ready.get(rawUrl, cluster.view.version(), now());
      if (entry === undefined || cluster.view.settled(entry.container) !== undefined) return undefined;
      return entry.container !== undefined && execs.has(entry.container) ? undefined : entry.body;
    },
    remember: keep,
    execSeen(id) {
      execs.add(id);
      execMade?.(id);
      if (execs.size > 1_000) {
        const alive = new Set(cluster.containers.list().map((container) => container.id));
        for (const seen of execs) if (!alive.has(seen)) execs.delete(seen);
      }
    },
    hasExecs: (id) => execs.has(id),
  };
}
