/**
 * Files against the published schemas: the compose spec's (schema/compose-spec.json), and fig's (compose 1). What ajv says of a value becomes a sentence for a person.
 * The schemas are data that others keep; schema/README.md says whose.
 */
import { type Form, validatorOf } from '#compose-validators';
import type { ErrorObject } from 'ajv';
import { isSlip, nearest } from '../config/nearest.ts';
import type { Path } from './source.ts';

export type { Form };

export interface Violation {
  readonly path: Path;
  /** The text after the path: ` must be a list`, `: unknown key`. */
  readonly what: string;
}

/** Nothing: the value is as the schema wants it. */
export function violations(form: Form, value: unknown): readonly Violation[] {
  const validate = validatorOf(form);
  if (validate(value)) return [];
  const errors = validate.errors ?? [];
  const said = new Map<string, Violation>();
  for (const error of errors) {
    const found = sentence(error, errors);
    if (found !== undefined) said.set(`${found.path.join('.')}${found.what}`, found);
  }
  return [...said.values()];
}

const isChoice = ({ keyword }: ErrorObject) => keyword === 'oneOf' || keyword === 'anyOf';

function sentence(error: ErrorObject, all: readonly ErrorObject[]): Violation | undefined {
  const path = pathOf(error.instancePath);
  const inside = all.filter((one) => one.instancePath === error.instancePath || one.instancePath.startsWith(`${error.instancePath}/`));
  const choice = all.some((one) => isChoice(one) && one.instancePath === error.instancePath);
  switch (error.keyword) {
    case 'oneOf':
    case 'anyOf':
    case 'type': {
      // Of a value that may have several forms, what is wrong inside the form that it has says more.
      const isContainer = typeof error.data === 'object' && error.data !== null;
      if (
        choice &&
        isContainer &&
        inside.some((one) => !isChoice(one) && !(one.keyword === 'type' && one.instancePath === error.instancePath))
      )
        return undefined;
      const types = inside.filter((one) => one.keyword === 'type' && one.instancePath === error.instancePath);
      const words = [...new Set(types.flatMap((one) => typesOf(one.params['type'])))];
      return { path, what: words.length === 0 ? `: ${error.message ?? 'cannot be read'}` : ` must be ${words.join(' or ')}` };
    }
    case 'additionalProperties':
      return unknownKey(
        path,
        String(error.params['additionalProperty']),
        Object.keys((error.parentSchema?.['properties'] ?? {}) as object),
      );
    case 'required':
      return { path, what: `: "${String(error.params['missingProperty'])}" is missing` };
    case 'enum':
      return { path, what: `: it is one of ${(error.params['allowedValues'] as readonly unknown[]).join(', ')}` };
    case 'uniqueItems':
      return { path: [...path, Number(error.params['i'])], what: `: is listed twice` };
    default:
      return { path, what: `: ${error.message ?? 'is not allowed'}` };
  }
}

function unknownKey(path: Path, key: string, known: readonly string[]): Violation {
  const where = [...path, key];
  if (known.length === 0) return { path: where, what: ': is no name: letters, digits, ".", "_" and "-" only' };
  const near = nearest(key, known);
  const hint = near === undefined ? '' : isSlip(key, near) ? `: did you mean "${near}"?` : `; the nearest is "${near}"`;
  return { path: where, what: `: unknown key${hint}` };
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  object: 'a map',
  array: 'a list',
  boolean: 'true or false',
  number: 'a number',
  integer: 'a whole number',
};

const typesOf = (types: unknown): readonly string[] =>
  (Array.isArray(types) ? types : [types]).flatMap((type) => (typeof type === 'string' && WORDS[type] !== undefined ? [WORDS[type]] : []));

/** A JSON pointer. */
const pathOf = (pointer: string): Path =>
  pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
