/** Deployment, service and number from a container's labels and name. Pure. */
import { ArpanetError, composeLabels, deploymentLabel, serviceLabel } from '../../model/index.ts';
import { isServiceName } from '../../text/names.ts';

type Labels = Readonly<Record<string, string>>;

export function deploymentOf(given: Labels): string {
  return dnsLabel(deploymentLabel(given)) ?? 'default';
}

export function serviceOf(given: Labels, containerName: string): string {
  return dnsLabel(serviceLabel(given)) ?? serviceFromName(containerName);
}

/** A container's name as a DNS label: `a.b_c` -> `a-b_c`. */
export function serviceFromName(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_-]/g, '-').slice(0, 63);
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

function dnsLabel([name, value]: readonly [string, string] | readonly [] = []): string | undefined {
  if (value === undefined || isServiceName(value)) return value;
  throw new ArpanetError(
    'invalid',
    `label ${name} is "${value.slice(0, 80)}": it becomes part of a DNS name, so it must have 1 to 63 of a-z, A-Z, 0-9, - and _, beginning with a letter or digit`,
  );
}
