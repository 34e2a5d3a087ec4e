/** The known word nearest to a misspelled one. Pure. */
import damerauLevenshtein from 'damerau-levenshtein';
import { ArpanetError } from '../model/errors.ts';

/** Letters to add, drop, change, or swap with their neighbour. Not fastest-levenshtein: it counts a swap twice (docs/decisions/0007). */
const distance = (a: string, b: string): number => damerauLevenshtein(a, b).steps;

/** The known word with the smallest distance, also a large one; undefined if none is known. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll('_', '-');
  const ranked = known.map((candidate) => ({ candidate, away: distance(plain(word), plain(candidate)) }));
  return ranked.toSorted((a, b) => a.away - b.away)[0]?.candidate;
}

/** `did you mean X?` if one known word is near, else the list of the first ten. `none`: the text if none is known. */
export function hint(word: string, known: readonly string[], none = 'there are none'): string {
  const near = nearest(word, known);
  if (near === undefined) return none;
  const away = distance(word, near);
  const isOnly = known.filter((other) => distance(word, other) === away).length === 1;
  if (isOnly && isSlip(word, near)) return `did you mean ${near}?`;
  return `there ${known.length === 1 ? 'is' : 'are'} ${known.slice(0, 10).join(', ')}${known.length > 10 ? ', …' : ''}`;
}

/** True if the distance is at most a quarter of the shorter word's length, or 1. */
export function isSlip(word: string, known: string): boolean {
  return distance(word, known) <= Math.max(1, Math.floor(Math.min(word.length, known.length) / 4));
}

/** The host of this name. Throws `not-found` naming the nearest. */
export function hostNamed<T extends { readonly name: string }>(name: string, hosts: readonly T[]): T {
  const found = hosts.find((host) => host.name === name);
  if (found !== undefined) return found;
  const known = hosts.map((host) => host.name);
  throw new ArpanetError('not-found', `no such host: ${name}; ${hint(name, known, 'no host has joined: "arpanet hosts add"')}`);
}
