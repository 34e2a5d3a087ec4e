/** Whether an existing value, such as a record of the store, is of a type: its keys as the type spells them, nothing converted, unlike Go's encoding/json (decode.ts). Pure. */
import type { GoType } from './types.ts';

/** What nobody nests deeper by sense; and far from where JSON.stringify runs out of stack. */
const MAX_DEPTH = 64;

/**
 * Undefined: it is. Otherwise where it is not, and why, like `template.request.Env: is a string and not []string`.
 * In structs that `isStrict` names, every field that is no pointer is required; in others, as in Docker's, any may lack or be null.
 */
export function checkValue(value: unknown, type: GoType, isStrict: (struct: string) => boolean): string | undefined {
  return problem(value, type, '', isStrict);
}

/** Undefined: it is nested no deeper than 64 levels. Without recursion. */
export function depthProblem(value: unknown): string | undefined {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return `is nested more than ${MAX_DEPTH} levels deep`;
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
  return undefined;
}

function problem(value: unknown, type: GoType, path: string, isStrict: (struct: string) => boolean, mayBeNil = false): string | undefined {
  const at = path === '' ? '' : `${path.slice(1)}: `;
  const wrong = `${at}is ${nameOf(value)} and not ${type.name.replace(/^.*\/|^\*/, '')}`;
  switch (type.kind) {
    case 'pointer':
      return value === undefined || value === null ? undefined : problem(value, type.to, path, isStrict);
    case 'bool':
      return typeof value === 'boolean' ? undefined : wrong;
    case 'integer':
      if (typeof value !== 'number' || !Number.isInteger(value)) return wrong;
      return value < Number(type.min) || value > Number(type.max) ? `${at}is ${value}, out of range for ${type.name}` : undefined;
    case 'float':
      return typeof value === 'number' && Math.abs(value) <= type.max ? undefined : wrong;
    case 'words':
    case 'list': {
      if (!Array.isArray(value)) return wrong;
      const item: GoType = type.kind === 'list' ? type.item : { kind: 'string', name: 'string' };
      // a list of pointers is read through: an Engine falls over one that is nil
      return first(value.entries(), ([i, one]) => problem(one, item.kind === 'pointer' ? item.to : item, `${path}.${i}`, isStrict));
    }
    case 'map':
      if (!isObject(value)) return wrong;
      // a list of Docker's may be nil there, and is an empty one to Engines: {"80/tcp": null}
      return first(Object.entries(value), ([key, one]) =>
        one === null && mayBeNil && type.value.kind === 'list' ? undefined : problem(one, type.value, `${path}.${key}`, isStrict),
      );
    case 'struct': {
      if (!isObject(value)) return wrong;
      const mustBe = isStrict(type.name);
      return first(type.fields.values(), ({ name, type: field }) => {
        const one = Object.hasOwn(value, name) ? value[name] : undefined;
        if ((one === undefined || one === null) && (!mustBe || field.kind === 'pointer')) return undefined;
        return problem(one, field, `${path}.${name}`, isStrict, !mustBe);
      });
    }
    default:
      return typeof value === 'string' ? undefined : wrong;
  }
}

function first<T>(all: Iterable<T>, problemOf: (one: T) => string | undefined): string | undefined {
  for (const one of all) {
    const found = problemOf(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function nameOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
