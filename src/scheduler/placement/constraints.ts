/**
 * Constraints and affinities, as classic Swarm and Swarm mode wrote them. Pure.
 * Env `constraint:storage==ssd`, `affinity:container==db`, `affinity:role!=~cache`, `whitelist:node==h1|h2`; labels `arpanet.constraints`,
 * `arpanet.affinities`, `com.docker.swarm.constraints`, `….affinities`, `….whitelists`: a JSON list, or parted by commas, of `node.labels.storage==ssd`.
 * A `~` after the operator makes it soft; `*` in the value stands for any letters, and a value between slashes is a regular expression.
 * Source: docs.docker.com/swarm/scheduler/filter of classic Swarm 1.2; docs.docker.com/reference/cli/docker/service/create (`--constraint`).
 */
import { LRUCache } from 'lru-cache';
import { ArpanetError, labels, type CreateRequest } from '../../model/index.ts';
import { goPattern } from '../../text/go-pattern.ts';
import { parseListLabel } from '../../text/list-label.ts';
import type { Constraint } from './snapshot.ts';

const EXPRESSION = /^\s*([a-zA-Z0-9_./-]+)\s*(==|!=)(~?)\s*(.*?)\s*$/;
const REGULAR = /^\/(.*)\/$/;
const CLASSIC = 'com.docker.swarm';

/** Keys of a constraint that mean something of the host itself; every other one is a label's name. */
const HOST_KEYS = ['node', 'node.id', 'node.hostname', 'node.name', 'node.role', 'node.ip', 'node.platform.os', 'node.platform.arch'];
const ENGINE_KEYS = ['operatingsystem', 'kernelversion', 'storagedriver'];
/** Keys of an affinity that mean something else than a label of containers. */
const AFFINITY_KEYS = ['container', 'image', 'service'];

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
  const constraints = of('constraint', [labels.constraints, `${CLASSIC}.constraints`]);
  const affinities = of('affinity', [labels.affinities, `${CLASSIC}.affinities`]);
  for (const { key } of constraints) refuseConstraintKey(key);
  for (const { key } of affinities) refuseAffinityKey(key);
  return { constraints: [...constraints, ...of('whitelist', [`${CLASSIC}.whitelists`]).map(asConstraint)], affinities };
}

function parseConstraint(text: string, where: string): Constraint {
  const [, key, operator, soft, value] = EXPRESSION.exec(text) ?? [];
  if (key === undefined || value === undefined || value === '' || (operator !== '==' && operator !== '!=')) {
    throw new ArpanetError(
      'invalid',
      `${where}: cannot read "${text}"; write KEY==VALUE or KEY!=VALUE, with ~ after the operator if it may be broken`,
    );
  }
  const [, pattern] = REGULAR.exec(value) ?? [];
  if (pattern !== undefined && goPattern(pattern) === undefined)
    throw new ArpanetError('invalid', `${where}: ${value} is no regular expression of at most 256 characters`);
  return { key, operator, value, soft: soft === '~' };
}

function refuseConstraintKey(key: string): void {
  const isLabel = /^(?:node|engine)\.labels\../.test(key);
  if (isLabel || HOST_KEYS.includes(key)) return;
  if (AFFINITY_KEYS.slice(0, 2).includes(key))
    throw new ArpanetError('invalid', `constraint ${key}: a constraint is about hosts; write affinity:${key}==… for what is on a host`);
  if (/^(?:node|engine)(?:\.|$)/.test(key))
    throw new ArpanetError(
      'invalid',
      `constraint ${key}: there is no such key. Known: ${[...HOST_KEYS, ...ENGINE_KEYS].join(', ')}, node.labels.NAME, engine.labels.NAME, and the NAME of any label of hosts`,
    );
}

function refuseAffinityKey(key: string): void {
  if (/^(?:node|engine)(?:\.|$)/.test(key) || ENGINE_KEYS.includes(key))
    throw new ArpanetError(
      'invalid',
      `affinity ${key}: an affinity is about ${AFFINITY_KEYS.join(', ')} and the labels of containers; write constraint:${key}==… for hosts`,
    );
}

/** `node==h1|h2`: one of these hosts, and no other. */
function asConstraint({ key, operator, value }: Constraint): Constraint {
  if (key !== 'node' || operator !== '==')
    throw new ArpanetError('invalid', `whitelist ${key}${operator}${value}: write whitelist:node==HOST, or several as HOST|HOST`);
  return { key, operator, value: `/^(?:${value.replaceAll('.', '\\.')})$/`, soft: false };
}

function listed(value: string | undefined, label: string): readonly string[] {
  const list = value?.trim() ? parseListLabel(value) : [];
  if (list === undefined) throw new ArpanetError('invalid', `label ${label} is not a JSON list of strings: ${value ?? ''}`);
  return list;
}

const compiled = new LRUCache<string, { readonly pattern: RegExp | undefined }>({ max: 500 });

/** Whether a constraint's value means this text. */
export function means(value: string, text: string): boolean {
  const [, source] = REGULAR.exec(value) ?? [];
  if (source === undefined) return matches(value, text);
  let known = compiled.get(source);
  if (known === undefined) compiled.set(source, (known = { pattern: goPattern(source) }));
  return known.pattern?.test(text) ?? false;
}

/** `*` matches any letters, in time linear in both lengths' product. */
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
