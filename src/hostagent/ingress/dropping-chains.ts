/** What others' chains do with what this host passes on: whatever one of them drops is dropped, also if another accepts it. Pure. */
import type { Family } from './rules.ts';

/** A base chain that sees what is passed on. */
export interface ForwardChain {
  /** `inet firewalld filter_FORWARD`. */
  readonly name: string;
  readonly isDropping: boolean;
}

/** In the output of `nft list chains`. */
export function forwardChains(text: string, family: Family): readonly ForwardChain[] {
  let table = '';
  let chain = '';
  const found: ForwardChain[] = [];
  for (const line of text.split('\n')) {
    table = /^table (\S+ \S+) \{/.exec(line)?.[1] ?? table;
    chain = /^\tchain (\S+) \{/.exec(line)?.[1] ?? chain;
    const isOfFamily = table.startsWith('inet ') || table.startsWith(family === 4 ? 'ip ' : 'ip6 ');
    if (isOfFamily && /hook forward /.test(line)) found.push({ name: `${table} ${chain}`, isDropping: /policy drop;/.test(line) });
  }
  return found;
}

/** Docker's own rules by nft (moby, integration/network/bridge/nftablesdoc): what it has not published itself is dropped in chains for each bridge. */
const OF_DOCKER = /^ip6? docker-bridges filter-FORWARD$/;

/** What the chain drops, as the end of a sentence; `text` is its listing (`nft list chain`). Undefined: nothing that is known. */
export function whatItDrops({ name, isDropping }: ForwardChain, text: string): string | undefined {
  if (OF_DOCKER.test(name)) return `${name} drops what Docker itself has not published: run dockerd with --firewall-backend=iptables`;
  if (isDropping) return `${name} drops what it does not know (policy drop)`;
  return dropsTheRest(text) ? `${name} has a rule that drops all that no rule before it accepts` : undefined;
}

/**
 * Whether a rule of the chain, in the output of `nft list chain`, drops or rejects all that comes to it, and none before lets pass what was led on (`ct status dnat`, as firewalld's do)
 * or everything.
 */
function dropsTheRest(text: string): boolean {
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (/^ct status (?:\S+,)?dnat\b.* accept$/.test(line) || line === 'accept') return false;
    if (/^(?:counter packets \d+ bytes \d+ |log(?: \S+ (?:"[^"]*"|\S+))* )*(?:drop|reject.*)$/.test(line)) return true;
  }
  return false;
}
