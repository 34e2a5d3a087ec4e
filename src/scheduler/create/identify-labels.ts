/** Service and number from a container's labels and name. Pure. */
import { ArpanetError, composeLabels, serviceFromName, serviceLabel } from '../../model/index.ts';

type Labels = Readonly<Record<string, string>>;

/** Any name that the label has. */
export function serviceOf(given: Labels, containerName: string): string {
  return serviceLabel(given)?.[1] ?? serviceFromName(containerName);
}

/** The number that compose gave; undefined when it gave none. */
export function numberOf(given: Labels): number | undefined {
  const label = composeLabels.number;
  const value = given[label];
  if (!value) return undefined;
  const number = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (number < 1) throw new ArpanetError('invalid', `label ${label} is "${value}": it must be a whole number from 1`);
  return number;
}

export function lowestFree(taken: readonly number[]): number {
  const used = new Set(taken);
  let number = 1;
  while (used.has(number)) number++;
  return number;
}
