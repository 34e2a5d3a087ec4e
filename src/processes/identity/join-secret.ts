/** The secret of the join token: rotated at runtime, so that who has read an older one joins nothing any more. Effects: the ledger, chance. */
import { createHash } from 'node:crypto';
import { ArpanetError, type HostRecord, keys } from '../../model/index.ts';
import { accepts, replacedTokens } from '../../schemas/index.ts';
import type { Ledger } from '../../store/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import { newJoinSecret, withoutPasses } from './join-passes.ts';

/** A scheduler that was started with one older than these would bring it back. */
const REMEMBERED = 100;
const NAMED = 5;
/** Of the changes of a transaction (store/contract). */
const AT_A_TIME = 32;

/** It was replaced: a scheduler that is still started with it does not bring it back. */
export const isReplaced = (ledger: Pick<Ledger, 'get'>, token: string): boolean => replacedIn(ledger).includes(digest(token));

/**
 * Makes another secret, and returns it. Hosts with a certificate are known by that and stay. Throws `conflict` while there are hosts without one: the token is what their gateways know the
 * leader and other hosts by, they got it at their start, and to take the old one from them would be to take it from anybody.
 */
export async function rotateJoinSecret(ledger: Pick<Ledger, 'get' | 'list' | 'commit'>, before: string, log: Logger): Promise<string> {
  const plain = ledger.list<HostRecord>(keys.hosts).flatMap(([, { name, hasTls }]) => (hasTls === true ? [] : [name]));
  if (plain.length > 0) throw new ArpanetError('conflict', plainHosts(plain.toSorted()));
  const made = newJoinSecret();
  const replaced = [digest(before), ...replacedIn(ledger)].slice(0, REMEMBERED);
  // no token with an end outlives the secret: what does not fit into its transaction goes before
  let passes = withoutPasses(ledger);
  for (; passes.length > AT_A_TIME; passes = withoutPasses(ledger)) await ledger.commit(passes.slice(0, AT_A_TIME));
  await ledger.commit([
    { kind: 'put', key: keys.joinToken, value: made },
    { kind: 'put', key: keys.replacedTokens, value: replaced },
    ...passes,
  ]);
  log.warn('the join token was rotated: the one before joins nobody any more');
  return made;
}

function plainHosts(names: readonly string[]): string {
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return `the join token is not rotated: without TLS it is all that the cluster and its hosts know each other by, and these would be cut off: ${names.slice(0, NAMED).join(', ')}${more}; let them join by https:// first, or remove them`;
}

/** A damaged record counts as none. */
function replacedIn(ledger: Pick<Ledger, 'get'>): readonly string[] {
  const found = ledger.get(keys.replacedTokens);
  return accepts(replacedTokens, found) ? found : [];
}

const digest = (token: string): string => createHash('sha256').update(token).digest('hex');
