/** Every field of a Go struct, and what a client may put there by mistake. Pure: texts of JSON, as `JSON.stringify` could not write some of them. */
import type { GoType } from '../../src/docker-json/index.ts';

export interface Field {
  /** `HostConfig`, `Mounts`, `0`, `Type`: a number is a place in a list, and `k` a key of a map. */
  readonly path: readonly string[];
  readonly type: GoType;
}

/** All fields of a struct, those of inner structs, lists and maps too. */
export function fieldsOf(type: GoType, path: readonly string[] = []): readonly Field[] {
  const here: readonly Field[] = path.length === 0 ? [] : [{ path, type }];
  switch (type.kind) {
    case 'pointer':
      return fieldsOf(type.to, path);
    case 'struct':
      return [...here, ...[...type.fields.values()].flatMap((field) => fieldsOf(field.type, [...path, field.name]))];
    case 'list':
      return [...here, ...fieldsOf(type.item, [...path, '0'])];
    case 'map':
      return [...here, ...fieldsOf(type.value, [...path, 'k'])];
    default:
      return here;
  }
}

export interface Wrong {
  readonly name: string;
  /** JSON, or what should be. */
  readonly text: string;
}

/** More levels than a stack has. */
const NESTED = 50_000;
export const DEEP: Wrong = { name: 'what is nested deep', text: '['.repeat(NESTED) + ']'.repeat(NESTED) };

/** One of each kind of JSON, and numbers that no type holds. */
const TYPES: readonly Wrong[] = [
  { name: 'a bool', text: 'true' },
  { name: 'a number', text: '7' },
  { name: 'a negative number', text: '-7' },
  { name: 'a float', text: '1.5' },
  { name: 'a huge integer', text: '123456789012345678901234567890' },
  { name: 'a huge float', text: '1e400' },
  { name: 'a string', text: '"x"' },
  { name: 'a list', text: '[]' },
  { name: 'an object', text: '{}' },
];

/** Of the right type for some field, and odd there. */
const ODD: readonly Wrong[] = [
  { name: 'null', text: 'null' },
  { name: 'a negative number', text: '-7' },
  { name: 'the largest integer', text: '9223372036854775807' },
  { name: 'the smallest integer', text: '-9223372036854775808' },
  { name: 'the largest without sign', text: '18446744073709551615' },
  { name: 'zero', text: '0' },
  { name: 'a string', text: '"x"' },
  { name: 'an empty string', text: '""' },
  { name: 'a NUL', text: '"a\\u0000b"' },
  { name: 'half a surrogate pair', text: '"a\\ud800b"' },
  { name: 'a long string', text: `"${'x'.repeat(100_000)}"` },
  { name: '__proto__', text: '"__proto__"' },
  { name: 'a line break', text: '"a\\nb"' },
  { name: 'true', text: 'true' },
  { name: 'an empty list', text: '[]' },
  { name: 'a list of null', text: '[null]' },
  { name: 'an empty object', text: '{}' },
  { name: 'an object of null', text: '{"a":null}' },
  { name: 'an object of __proto__', text: '{"__proto__":null}' },
];

/** What is no value of the type. */
export const wrongFor = (type: GoType): readonly Wrong[] => TYPES.filter((one) => verdictOf(type, one) !== 'taken');

/** What is one, and odd. */
export const oddFor = (type: GoType): readonly Wrong[] => ODD.filter((one) => verdictOf(type, one) === 'taken');

/** Taken, refused for its type, or, of bytes and lists of pointers, for its form. */
type Verdict = 'taken' | 'mismatch' | 'form';

/** What Go makes of a value in a field of the type. */
export function verdictOf(type: GoType, { text }: Wrong): Verdict {
  if (text === 'null') return 'taken';
  const is = text.startsWith('"')
    ? 'string'
    : text.startsWith('[')
      ? 'list'
      : text.startsWith('{')
        ? 'object'
        : text === 'true'
          ? 'bool'
          : 'number';
  switch (type.kind) {
    case 'pointer':
      return verdictOf(type.to, { name: '', text });
    case 'struct':
    case 'map':
      if (is !== 'object') return 'mismatch';
      // an element of null is nil or zero
      return 'taken';
    case 'list':
      if (is !== 'list') return 'mismatch';
      return text === '[null]' && type.item.kind === 'pointer' ? 'form' : 'taken';
    case 'words':
      return is === 'list' || is === 'string' ? 'taken' : 'mismatch';
    case 'bytes':
      // "x" is cut short, and a list is one of numbers
      if (is === 'string') return text === '""' ? 'taken' : 'form';
      return is === 'list' ? 'taken' : 'mismatch';
    case 'bool':
      return is === 'bool' ? 'taken' : 'mismatch';
    case 'float':
      return is === 'number' && Math.abs(Number(text)) <= type.max ? 'taken' : 'mismatch';
    case 'integer':
      if (is !== 'number' || !/^-?\d+$/.test(text)) return 'mismatch';
      return BigInt(text) >= type.min && BigInt(text) <= type.max ? 'taken' : 'mismatch';
    case 'literal':
      return is === 'number' || is === 'string' ? 'taken' : 'mismatch';
    default:
      return is === 'string' ? 'taken' : 'mismatch';
  }
}

/** The text of a body that has this text at the path, and is otherwise as it was. */
export function textWith(body: unknown, [key, ...rest]: readonly string[], text: string): string {
  if (key === undefined) return text;
  if (/^\d+$/.test(key)) {
    const list = Array.isArray(body) ? (body as readonly unknown[]) : [];
    return `[${[textWith(list[Number(key)], rest, text), ...list.slice(1).map((one) => JSON.stringify(one))].join(',')}]`;
  }
  const all = typeof body === 'object' && body !== null && !Array.isArray(body) ? Object.entries(body) : [];
  const others = all.filter(([name]) => name !== key).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const before = all.find(([name]) => name === key)?.[1] as unknown;
  return `{${[...others, `${JSON.stringify(key)}:${textWith(before, rest, text)}`].join(',')}}`;
}
