/** What is kept of a decision with its container: as much at 10,000 hosts as at ten. Pure. */
import type { Decision } from '../../model/index.ts';
import type { PlacementOptions } from './snapshot.ts';

/** Hosts that fitted: the best, and the one that was chosen. */
const SCORED_KEPT = 5;
/** Refused hosts, shared between the rules that refused. */
export const REFUSED_KEPT = 10;

/** The five best hosts, ten refused ones with each rule among them, and how many there were of each. */
export function keptDecision(decision: Decision): Decision {
  const { scored, refused, host, counts } = decision;
  const best = scored.filter((one, place) => place < SCORED_KEPT || one.host === host);
  const examples = examplesOf(refused);
  if (best.length === scored.length && examples.length === refused.length) return decision;
  return { ...decision, scored: best, refused: examples, counts: counts ?? { fit: scored.length, refused: countByRule(refused) } };
}

export function countByRule(
  refused: readonly { readonly rule: string }[],
  others?: PlacementOptions['others'],
): Readonly<Record<string, number>> {
  const counts = new Map(others);
  for (const { rule } of refused) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  return Object.fromEntries(counts);
}

/** In their order: first one of each rule, then the next of each, until there are enough. */
export function examplesOf<T extends { readonly rule: string }>(refused: readonly T[], most = REFUSED_KEPT): readonly T[] {
  if (refused.length <= most) return refused;
  const seen = new Map<string, number>();
  const ranked = refused.map((one) => {
    const rank = seen.get(one.rule) ?? 0;
    seen.set(one.rule, rank + 1);
    return { one, rank };
  });
  const chosen = new Set(ranked.toSorted((a, b) => a.rank - b.rank).slice(0, most));
  return ranked.filter((entry) => chosen.has(entry)).map(({ one }) => one);
}
