/**
 * What becomes of a container whose host is lost. Source: docker/swarm 1.2, docs/scheduler/rescheduling.md and cluster/config.go (`off`, `on-node-failure`;
 * env `reschedule:…`, or a label with a JSON list of one), and arpanet's own label, which goes before.
 */
import { parseListLabel } from './list-label.ts';

export type ReschedulePolicy = 'off' | 'on-host-failure';

/** At most one is set. `unreadable` says for a person what is wrong, where, and what it may be. */
export interface ReadPolicy {
  readonly policy?: ReschedulePolicy;
  readonly unreadable?: string;
}

const CLASSIC_LABEL = 'com.docker.swarm.reschedule-policies';
const CLASSIC_ENV = 'reschedule:';
const OWN: ReadonlyMap<string, ReschedulePolicy> = new Map([
  ['off', 'off'],
  ['on-host-failure', 'on-host-failure'],
]);
const CLASSIC: ReadonlyMap<string, ReschedulePolicy> = new Map([
  ['off', 'off'],
  ['on-node-failure', 'on-host-failure'],
]);

interface Request {
  readonly Env?: readonly string[] | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

/** `ownLabel`: the name of arpanet's label. */
export function reschedulePolicyOf(ownLabel: string, { Env, Labels }: Request): ReadPolicy {
  const own = Labels?.[ownLabel];
  if (own) return oneOf(OWN, own, `label ${ownLabel}`);
  const label = Labels?.[CLASSIC_LABEL];
  const listed = label ? parseListLabel(label) : [];
  if (listed === undefined) return { unreadable: `label ${CLASSIC_LABEL} is not a JSON list of strings: ${label?.slice(0, 80) ?? ''}` };
  const given = [
    ...listed.map((value) => ({ value, where: `label ${CLASSIC_LABEL}` })),
    ...(Env ?? [])
      .filter((entry) => entry.startsWith(CLASSIC_ENV))
      .map((entry) => ({ value: entry.slice(CLASSIC_ENV.length), where: `env ${CLASSIC_ENV}` })),
  ];
  const [first] = given;
  if (first === undefined) return {};
  if (given.some(({ value }) => value !== first.value))
    return { unreadable: `too many reschedule policies: ${given.map(({ value }) => value.slice(0, 80)).join(', ')}` };
  return oneOf(CLASSIC, first.value, first.where);
}

function oneOf(known: ReadonlyMap<string, ReschedulePolicy>, value: string, where: string): ReadPolicy {
  const policy = known.get(value);
  return policy === undefined
    ? { unreadable: `${where} is "${value.slice(0, 80)}": it must be ${[...known.keys()].join(' or ')}` }
    : { policy };
}
