/** Which releases work together. Pure. */

/** Of the messages between leader and agent; raised by a release whose messages an older one does not understand. */
export const PROTOCOL = 1;
/** Agents of before it was said speak this one. */
const FIRST_PROTOCOL = 1;
/** Agents may be one ahead or behind, so that schedulers and agents are upgraded one after the other. */
const PROTOCOL_STEP = 1;

/**
 * Of the records in the store; raised by a release whose records an older one cannot read. A store that says nothing has the first; since 2 a container's record has a
 * template that others share.
 */
export const STORE_SCHEMA = 2;

/** What is wrong between an agent and this leader, and what to do about it; undefined if they work together. */
export function protocolFault(host: string, theirs: number = FIRST_PROTOCOL, ours: number = PROTOCOL): string | undefined {
  if (Math.abs(theirs - ours) <= PROTOCOL_STEP) return undefined;
  const older = theirs < ours ? `the agent of host ${host}` : 'the schedulers';
  return `the agent of host ${host} speaks protocol ${theirs}, and this leader ${ours}: they work together if they are one apart at most; upgrade ${older} first`;
}

/** What is wrong with a store that says that it has records of schema `found`; undefined if this release reads it. */
export function storeSchemaFault(found: unknown, ours: number = STORE_SCHEMA): string | undefined {
  if (found === undefined || (typeof found === 'number' && Number.isInteger(found) && found >= 1 && found <= ours)) return undefined;
  if (typeof found !== 'number')
    return 'the state store does not say in which schema its records are: the key arpanet/config/schema is damaged';
  return `the state store has records of schema ${found}, and this release reads schemas up to ${ours}: run the newer release that wrote it, or "arpanet restore" a backup from before the upgrade`;
}
