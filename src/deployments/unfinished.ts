/** A deploy that ends before its end: what it has done, and what it has not. Pure. */
import type { Step, Wave } from '../compose/index.ts';

/** It was asked to end. */
export class Stopped extends Error {}

/** Throws Stopped once that is asked for. */
export function stillWanted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new Stopped('stopped');
}

export interface DoneStep {
  readonly container: string;
  readonly action: string;
}

const DID: Readonly<Record<string, string>> = { create: 'created', recreate: 'recreated', start: 'started', remove: 'removed' };

/** Lines for a person. `done` has the steps that came to their end. */
export function unfinished(waves: readonly Pick<Wave, 'service' | 'steps'>[], done: readonly DoneStep[]): readonly string[] {
  const known = new Set(done.map(({ container }) => container));
  const changed = done.flatMap(({ container, action }) => (DID[action] === undefined ? [] : [`${container} ${DID[action]}`]));
  const isLeft = ({ action, container }: Step): boolean => action !== 'keep' && !known.has(container);
  const left = waves.flatMap(({ service, steps }) => {
    const names = steps.filter(isLeft).map(({ container }) => container);
    return names.length === 0 ? [] : [`${service} (${names.join(', ')})`];
  });
  return [
    `done: ${changed.length === 0 ? 'no container was changed' : changed.join(', ')}`,
    ...(left.length === 0 ? [] : [`not done, or not to its end: ${left.join(', ')}`]),
    'the same deploy again goes on from here; with --plan it says what is left',
  ];
}
