/**
 * Constraints and affinities, as classic Swarm and Swarm mode wrote them. Pure.
 * Env `constraint:storage==ssd`, `affinity:container==db`, `affinity:image!=~redis`; labels `arpanet.constraints`, `arpanet.affinities`,
 * `com.docker.swarm.constraints`, `com.docker.swarm.affinities`: a JSON list, or parted by commas, of `node.labels.storage==ssd`.
 * A `~` after the operator makes it soft; `*` in the value stands for any letters.
 */
import { ArpanetError, labels, type CreateRequest } from '../../model/index.ts';
import type { Constraint } from './snapshot.ts';

const EXPRESSION = /^\s*([a-zA-Z0-9_./-]+)\s*(==|!=)(~?)\s*(.*?)\s*$/;

interface Constraints {
  readonly constraints: readonly Constraint[];
  readonly affinities: readonly Constraint[];
}

export function constraintsOf(request: CreateRequest): Constraints {
  const of = (kind: string, names: readonly string[]) => [
    ...(request.Env ?? []).flatMap((entry) =>
      entry.startsWith(`${kind}:`) ? [parseConstraint(entry.slice(kind.length + 1), `env ${entry}`)] : [],
    ),
    ...names.flatMap((name) => listed(request.Labels?.[name], name).map((one) => parseConstraint(one, `label ${name}`))),
  ];
  return {
    constraints: of('constraint', [labels.constraints, 'com.docker.swarm.constraints']),
    affinities: of('affinity', [labels.affinities, 'com.docker.swarm.affinities']),
  };
}

function parseConstraint(text: string, where: string): Constraint {
  const [, key, operator, soft, value] = EXPRESSION.exec(text) ?? [];
  if (key === undefined || value === undefined || value === '' || (operator !== '==' && operator !== '!=')) {
    throw new ArpanetError(
      'invalid',
      `${where}: cannot read "${text}"; write KEY==VALUE or KEY!=VALUE, with ~ after the operator if it may be broken`,
    );
  }
  if (/^\/.*\/$/.test(value)) {
    throw new ArpanetError('invalid', `${where}: regular expressions are not supported in "${text}"; use * for any letters`);
  }
  return { key, operator, value, soft: soft === '~' };
}

function listed(value: string | undefined, label: string): readonly string[] {
  if (!value?.trim()) return [];
  if (!value.trim().startsWith('[')) return value.split(',').filter((one) => one.trim() !== '');
  try {
    const parsed: unknown = JSON.parse(value);
    if (Array.isArray(parsed) && parsed.every((one) => typeof one === 'string')) return parsed;
  } catch {
    // Said below, together with lists of other things.
  }
  throw new ArpanetError('invalid', `label ${label} is not a JSON list of strings: ${value}`);
}

/** `*` matches any letters, in time linear in both lengths' product: user patterns never reach a RegExp. */
export function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === text;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const [index, part] of rest.entries()) {
    if (index === rest.length - 1) return text.length - part.length >= at && text.endsWith(part);
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return true;
}
