/** What schedulers say to each other of the view (contracts/replica.ts), as it is read from the wire. Pure. */
import { z } from 'zod';
import type { ReplicaMessage, ReplicaQuestion } from '../../contracts/index.ts';
import { count, optional, text } from '../../schemas/fields.ts';
import { accept, parseJson } from '../../schemas/index.ts';

/** Which messages there are, and what they say: another number, and there is no copy. Raised with each change of these messages, of facts and of records. */
export const REPLICA_PROTOCOL = '1';
/** The header of the request that says so. */
export const REPLICA_HEADER = 'arpanet-replica';

/** So many at once: a follower asks for all clients of one moment. */
const MOST_CLIENTS = 10_000;

const question: z.ZodType<ReplicaQuestion> = z.looseObject({
  type: z.literal('ask'),
  ask: count,
  who: z
    .array(
      z.looseObject({
        user: text,
        kind: text,
        fingerprint: text,
        issuer: text,
        from: text,
        serial: optional(text),
        isSession: optional(z.literal(true)),
      }),
    )
    .max(MOST_CLIENTS),
});

/** Throws `invalid`. */
export const readReplicaQuestion = (line: string): ReplicaQuestion => accept(question, parseJson(line), "a follower's question");

const TYPES: ReadonlySet<unknown> = new Set<ReplicaMessage['type']>([
  'begin',
  'whole',
  'host',
  'host-state',
  'host-gone',
  'containers',
  'images',
  'volumes',
  'networks',
  'record',
  'lost',
  'stored',
  'exec',
  'now',
]);

/** A leader of the same protocol has checked what it passes on. */
const message = z.custom<ReplicaMessage>(
  (value) => typeof value === 'object' && value !== null && 'type' in value && TYPES.has(value.type),
);

/** Throws `invalid`. */
export const readReplicaMessage = (line: string): ReplicaMessage => accept(message, parseJson(line), "a message of the leader's view");
