/** Instances as people write them: by container, `2.web.abc`, `abc/web-2`, `web-2`; or all of a service, `abc/web`, `web`. Pure. */
import { hint } from '../config/nearest.ts';
import { ArpanetError } from '../model/index.ts';
import { isIdPrefix } from '../text/references.ts';

export interface Called {
  /** The Engine's id. */
  readonly container: string;
  readonly name: string;
  readonly deployment: string;
  readonly service: string;
  readonly number: number;
}

const SHORTEST_ID = 6;

/** All instances that a reference means; the most specific reading wins. */
export function instancesCalled<T extends Called>(reference: string, all: readonly T[]): readonly T[] {
  const ways: readonly ((one: T) => boolean | string[])[] = [
    ({ name, deployment, service, number }) => [name, `${number}.${service}.${deployment}`],
    ({ container }) => isIdPrefix(reference, container, SHORTEST_ID),
    ({ deployment, service, number }) => ['-', '_', '.'].map((mark) => `${deployment}/${service}${mark}${number}`),
    ({ service, number }) => [`${service}-${number}`, `${service}_${number}`, `${service}.${number}`, `${number}.${service}`],
    ({ deployment, service }) => [`${deployment}/${service}`, `${deployment}_${service}`],
    ({ service }) => [service],
  ];
  for (const way of ways) {
    const found = all.filter((one) => {
      const answer = way(one);
      return typeof answer === 'boolean' ? answer : answer.includes(reference);
    });
    if (found.length > 0) return found;
  }
  return [];
}

/** Throws `not-found` naming the nearest, `invalid` when several are meant. */
export function instanceCalled<T extends Called>(reference: string, all: readonly T[]): T {
  const [found, ...others] = instancesCalled(reference, all);
  const names = all.map(({ name }) => name);
  if (found === undefined)
    throw new ArpanetError('not-found', `No such container: ${reference}; ${hint(reference, names, 'there are no containers')}`);
  if (others.length === 0) return found;
  const few = [found, ...others.slice(0, 9)].map(({ name }) => name).join(', ');
  throw new ArpanetError(
    'invalid',
    `"${reference}" matches ${others.length + 1} instances: give one of ${few}${others.length > 9 ? ', …' : ''}`,
  );
}
