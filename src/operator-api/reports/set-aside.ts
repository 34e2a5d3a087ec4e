/** What is set aside or left out, for people: what it is, why, and what ends it. Pure. */
import type { UnreadableRecord } from '../../model/index.ts';
import type { LeftOut } from '../../telemetry/left-out.ts';

/** A record of the store, with the command that deletes it. */
export const unreadableText = ({ key, why }: UnreadableRecord): string =>
  `the record ${key} cannot be read and is set aside: ${why} ("arpanet audit --discard ${key}" deletes it)`;

/** An entry at which something failed. */
export const leftOutText = ({ kind, name, of, why }: LeftOut): string =>
  `the ${kind} ${name} cannot be handled and is left out of ${of}: ${why}`;
