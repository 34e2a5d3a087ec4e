/**
 * Queries for names that only Consul's DNS knows, asked of it by the leader, and their answers. Hosts need no address of Consul. State: the
 * queries that wait. Effects: a timer for each.
 */
import type { AgentMessage, LeaderMessage } from '../../model/wire.ts';

export interface ConsulQuestions {
  /** The answer; undefined without a leader, or without an answer in time. Never rejects. */
  readonly ask: (query: Buffer, transport: 'udp' | 'tcp') => Promise<Buffer | undefined>;
  readonly answered: (message: Extract<LeaderMessage, { readonly type: 'consul-answer' }>) => void;
}

export interface ConsulQuestionsDeps {
  readonly send: (message: AgentMessage) => void;
  readonly isJoined: () => boolean;
}

/** Longer than the leader waits for one of Consul's servers. */
const TIMEOUT_MS = 3_000;
/** Queries that may wait at one time; more get no answer. */
const MAX_WAITING = 1_000;

export function createConsulQuestions({ send, isJoined }: ConsulQuestionsDeps): ConsulQuestions {
  const waiting = new Map<number, (answer: Buffer | undefined) => void>();
  let last = 0;
  return {
    ask: (query, transport) =>
      new Promise((resolve) => {
        if (!isJoined() || waiting.size >= MAX_WAITING) return resolve(undefined);
        const ask = ++last;
        const settle = (answer: Buffer | undefined): void => {
          clearTimeout(timer);
          waiting.delete(ask);
          resolve(answer);
        };
        const timer = setTimeout(() => settle(undefined), TIMEOUT_MS);
        waiting.set(ask, settle);
        send({ type: 'ask-consul', ask, query: query.toString('base64'), transport });
        return undefined;
      }),
    answered({ ask, answer }) {
      waiting.get(ask)?.(answer === undefined ? undefined : Buffer.from(answer, 'base64'));
    },
  };
}
