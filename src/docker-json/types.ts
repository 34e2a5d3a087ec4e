/**
 * A table of Go types, written as Go writes them, compiled into what the decoder walks. Pure.
 *
 * Expressions: `string`, `bool`, `int`, `int64`, `uint16`, `float32`, …, `[]byte`, `[]T`, `[2]T`, `map[string]T`, `*T`, or the name of a type of
 * the table. A struct is an object of fields by their JSON names; any other entry is a type of its own name, like `time.Duration`. What follows
 * an `@` tells two tables of one struct apart.
 */
/** Fields of a struct by their JSON names, in Docker's spelling: the type expression of each. */
export type GoFields = Readonly<Record<string, string>>;
/** A table of types by their Go names with package. */
export type GoTypes = Readonly<Record<string, string | GoFields>>;

/** A field of a Go struct: its name as Go spells it. */
export interface GoField {
  readonly name: string;
  readonly type: GoType;
}

/** A compiled type. `name` is as Go's messages write it, `min` and `max` are values of the type, `length` is how many items an array has. */
export type GoType =
  | { readonly kind: 'string' | 'bool' | 'bytes' | 'words' | 'literal'; readonly name: string }
  | { readonly kind: 'integer'; readonly name: string; readonly min: bigint; readonly max: bigint }
  | { readonly kind: 'float'; readonly name: string; readonly max: number }
  | { readonly kind: 'list'; readonly name: string; readonly item: GoType; readonly length: number | undefined }
  | { readonly kind: 'map'; readonly name: string; readonly value: GoType }
  | { readonly kind: 'pointer'; readonly name: string; readonly to: GoType }
  | { readonly kind: 'struct'; readonly name: string; readonly fields: ReadonlyMap<string, GoField> };

const SIGNED = /^int(8|16|32|64)?$/;
const UNSIGNED = /^(?:uint(8|16|32|64)?|byte)$/;

/** Go compares keys by Unicode's simple folding: beside letters' cases, the long s and the Kelvin sign. */
export const foldKey = (key: string): string => key.toLowerCase().replaceAll('\u017F', 's');

/** The compiled type of each struct of the table. Throws for a name that the table lacks: a mistake in this program, found when the room is loaded. */
export function compileGoTypes(types: GoTypes): ReadonlyMap<string, GoType> {
  const known = new Map<string, GoType>();

  const named = (name: string): GoType => {
    const ready = known.get(name);
    if (ready !== undefined) return ready;
    const entry = types[name];
    if (entry === undefined) throw new Error(`no such Go type: ${name}`);
    if (typeof entry === 'string') {
      const made = { ...compile(entry), name };
      known.set(name, made);
      return made;
    }
    const fields = new Map<string, GoField>();
    const made: GoType = { kind: 'struct', name: name.replace(/@.*$/, ''), fields };
    known.set(name, made);
    for (const [field, type] of Object.entries(entry)) fields.set(foldKey(field), { name: field, type: compile(type) });
    return made;
  };

  const compile = (name: string): GoType => {
    if (name === 'string' || name === 'bool') return { kind: name, name };
    // a list of strings, or one string (moby api/types/strslice)
    if (name === 'strslice.StrSlice') return { kind: 'words', name };
    // a number, written with quotes or without: its text
    if (name === 'json.Number') return { kind: 'literal', name };
    if (name === '[]byte') return { kind: 'bytes', name: '[]uint8' };
    if (name === 'float32') return { kind: 'float', name, max: 3.402_823_466_385_288_6e38 };
    // what JavaScript's Date can hold
    if (name === 'milliseconds') return { kind: 'float', name, max: 8.64e15 };
    if (name === 'float64') return { kind: 'float', name, max: Number.MAX_VALUE };
    const signed = SIGNED.exec(name);
    if (signed !== null) {
      const half = 2n ** BigInt(Number(signed[1] ?? 64) - 1);
      return { kind: 'integer', name, min: -half, max: half - 1n };
    }
    const unsigned = UNSIGNED.exec(name);
    if (unsigned !== null) return { kind: 'integer', name, min: 0n, max: 2n ** BigInt(unsigned[1] ?? 64) - 1n };
    if (name.startsWith('*')) return { kind: 'pointer', name, to: compile(name.slice(1)) };
    const list = /^\[(\d*)\](.+)$/.exec(name);
    if (list !== null) {
      const [, length = '', item = ''] = list;
      return { kind: 'list', name, item: compile(item), length: length === '' ? undefined : Number(length) };
    }
    const map = /^map\[[\w.]+\](.+)$/.exec(name);
    if (map !== null) return { kind: 'map', name, value: compile(map[1] ?? '') };
    return named(name);
  };

  for (const name of Object.keys(types)) named(name);
  return known;
}
