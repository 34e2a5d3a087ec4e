/** What an agent and its leader compare after a reconnect, so that only what differs is sent again. Pure; remembers digests of objects that do not change. */
import { createHash } from 'node:crypto';
import type { ContainerFacts, EngineSnapshot } from '../model/index.ts';

const known = new WeakMap<object, string>();
/** Of a digest's base64: 96 bits. */
const LENGTH = 16;

/** Of a value's JSON. A copy that went over the wire has the same one. */
function digestOf(value: object): string {
  const found = known.get(value);
  if (found !== undefined) return found;
  const made = hash(JSON.stringify(value));
  known.set(value, made);
  return made;
}

const hash = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, LENGTH);

/** `Status` is left out: a text that is older with every minute, and that nobody shows (engine/status). */
export function factsDigest(facts: ContainerFacts): string {
  const found = known.get(facts);
  if (found !== undefined) return found;
  const made = hash(JSON.stringify([{ ...facts.summary, Status: '' }, facts.inspect]));
  known.set(facts, made);
  return made;
}

/** Of lists of images or of volumes. */
export const listDigest = (list: EngineSnapshot['images'] | EngineSnapshot['volumes']): string => digestOf(list);

/** Of all that an agent reports of its Engine, in whichever order. */
export function snapshotDigest({ containers, images, volumes, networks }: EngineSnapshot): string {
  const parts = containers.map((facts) => `${facts.summary.Id} ${factsDigest(facts)}`).sort();
  return hash([...parts, listDigest(images), listDigest(volumes), hash(JSON.stringify(networks))].join('\n'));
}
