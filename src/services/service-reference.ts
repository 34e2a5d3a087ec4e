/** Services as people write them: `abc/web`, `abc_web`, `web` where only one deployment has it. Pure. */
import { isSlip, nearest } from '../config/nearest.ts';
import { ArpanetError, projectOf, type ServiceId, serviceKey, serviceName } from '../model/index.ts';

/** Throws `not-found` naming the nearest, `invalid` when several are meant. */
export function findService<T extends ServiceId>(reference: string, services: readonly T[]): T {
  const ways: readonly ((service: T) => boolean)[] = [
    (service) => serviceKey(service) === reference,
    (service) => serviceName(service) === reference || `${projectOf(service.deployment)}/${service.service}` === reference,
    (service) => service.service === reference,
  ];
  for (const way of ways) {
    const [found, another] = services.filter(way);
    if (found !== undefined && another === undefined) return found;
    if (found !== undefined) {
      const all = services.filter(way).map(serviceKey).join(', ');
      throw new ArpanetError('invalid', `"${reference}" is several services: say which, ${all}`);
    }
  }
  const within = services.filter(({ deployment }) => deployment === reference).map(serviceKey);
  if (within.length > 0)
    throw new ArpanetError(
      'not-found',
      `no such service: ${reference}; it is a deployment: say which of its services, ${within.toSorted().join(', ')}`,
    );
  const known = services.flatMap((service) => [serviceKey(service), serviceName(service), service.service]);
  const near = nearest(reference, known);
  const hint =
    services.length === 0
      ? 'no service runs: start one with "docker compose up" or "docker service create"'
      : near !== undefined && isSlip(reference, near)
        ? `did you mean ${near}?`
        : `there are ${services.map(serviceKey).toSorted().slice(0, 10).join(', ')}${services.length > 10 ? ', …' : ''}`;
  throw new ArpanetError('not-found', `no such service: ${reference}; ${hint}`);
}

/** Services meant by `abc` (a deployment), `abc/web` or `web`. Throws `not-found`. */
export function findServices<T extends ServiceId>(reference: string, services: readonly T[]): readonly T[] {
  const named = services.filter((service) => service.deployment === reference);
  const whole = named.length > 0 ? named : services.filter((service) => projectOf(service.deployment) === reference);
  return whole.length > 0 ? whole : [findService(reference, services)];
}

export interface Scaling {
  readonly reference: string;
  readonly by: '=' | '+' | '-';
  readonly count: number;
}

/** `abc/pricing=5`, `web+2`, `web-1`. Throws `invalid`. */
export function parseScaling(text: string): Scaling {
  const [, reference = '', by, digits = ''] = /^(.+?)(=|\+|-)(-?\d+)$/.exec(text) ?? [];
  const [, name, operator, count] = /^([^=+]+)([=+-])(\d{1,15})$/.exec(text) ?? [];
  if (name !== undefined && (operator === '=' || operator === '+' || operator === '-'))
    return { reference: name, by: operator, count: Number(count) };
  if (by === '=' && digits.startsWith('-')) throw belowZero(reference, Number(digits));
  throw new ArpanetError(
    'invalid',
    `cannot read "${text}": write SERVICE=COUNT, SERVICE+MORE or SERVICE-FEWER, as in "arpanet scale abc/pricing=5 web+2"`,
  );
}

/** Throws `invalid` for a count below zero. */
export function scaled(now: number, { reference, by, count }: Scaling): number {
  const next = by === '=' ? count : by === '+' ? now + count : now - count;
  if (next < 0) throw belowZero(reference, next, now);
  return next;
}

const belowZero = (reference: string, next: number, now?: number) =>
  new ArpanetError(
    'invalid',
    `${reference} cannot have ${next} instances: a count is 0 or more${now === undefined ? '' : `, and it has ${now} now`}`,
  );
