/** Which releases work together. Pure. */

/** Of the messages between leader and agent; raised by a release whose messages an older one does not understand. */
export const PROTOCOL = 1;
/** Agents of before it was said speak this one. */
const FIRST_PROTOCOL = 1;
/** Agents may be one ahead or behind, so that schedulers and agents are upgraded one after the other. */
const PROTOCOL_STEP = 1;

/**
 * Of the records in the store; raised by a release whose records an older one cannot read. A store that says nothing has the first. Since 2 a container's record has a template that others
 * share, and a network may be encrypted: a leader of schema 1 would send its packets in the clear.
 */
export const STORE_SCHEMA = 2;
const FIRST_SCHEMA = 1;
/** The first whose networks may be encrypted. */
export const ENCRYPTED_SCHEMA = 2;

/** What is wrong between this leader and an agent or another scheduler (`the agent of host h1`), and what to do about it; undefined if they work together. */
export function protocolFault(who: string, theirs: number = FIRST_PROTOCOL, ours: number = PROTOCOL): string | undefined {
  if (Math.abs(theirs - ours) <= PROTOCOL_STEP) return undefined;
  const older = theirs < ours ? who : 'the leader';
  return `${who} speaks protocol ${theirs}, and this leader ${ours}: they work together if they are one apart at most; upgrade ${older} first`;
}

/** As a store says it that can be read (`storeSchemaFault`). */
export const storeSchemaOf = (found: unknown): number => (typeof found === 'number' ? found : FIRST_SCHEMA);

/** What is wrong with a store that says that it has records of schema `found`; undefined if this release reads it. */
export function storeSchemaFault(found: unknown, ours: number = STORE_SCHEMA): string | undefined {
  if (found === undefined || (typeof found === 'number' && Number.isInteger(found) && found >= 1 && found <= ours)) return undefined;
  if (typeof found !== 'number')
    return 'the state store does not say in which schema its records are: the key arpanet/config/schema is damaged';
  return `the state store has records of schema ${found}, and this release reads schemas up to ${ours}: run the newer release that wrote it, or "arpanet restore" a backup from before the upgrade`;
}
