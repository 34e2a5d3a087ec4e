/**
 * JSON read as Go's encoding/json reads it into a struct: keys in any case, null as absent, unknown fields left out, numbers within their
 * type's range; and refused in its words. What comes out has Docker's own spelling of every key. Pure.
 * https://github.com/golang/go/blob/go1.22.0/src/encoding/json/decode.go
 */
import { type GoType, foldKey } from './types.ts';
import { scanJson } from './scan.ts';

/** Why a text is not of the type, in Go's words. */
export class GoJsonError extends Error {}

export interface GoDecoded {
  /** null at the top is an empty struct. */
  readonly value: Readonly<Record<string, unknown>>;
  /** There is more behind the value than white space. */
  readonly hasMore: boolean;
  /** A key that one object has twice, as far as the type goes: in any case of a struct, letter by letter of a map. */
  readonly repeated?: string;
}

/** `type` is a struct. Throws GoJsonError. */
export function goDecode(text: string, type: GoType): GoDecoded {
  const { error, end } = scanJson(text);
  if (error !== undefined) throw new GoJsonError(error);
  const decoder = new Decoder(text);
  const value = decoder.value(type, undefined);
  const { repeated } = decoder;
  const hasMore = /\S/.test(text.slice(end));
  return { value: (value ?? {}) as Readonly<Record<string, unknown>>, hasMore, ...(repeated !== undefined && { repeated }) };
}

/** Walks a text that is known to be JSON, along a type: as deep as the type is, never as deep as the text. */
class Decoder {
  repeated: string | undefined;
  readonly #text: string;
  #at = 0;
  /** The struct that is being read, and the fields on the way to it. */
  #struct: string | undefined;
  readonly #path: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  /** `before`: what an earlier key of the same field gave, which Go continues with. Undefined: null. */
  value(type: GoType, before: unknown): unknown {
    const char = this.#peek();
    if (char === 'n') {
      this.#at += 4;
      // nil, or left as it was
      return type.kind === 'pointer' || type.kind === 'map' || type.kind === 'list' || type.kind === 'words' ? undefined : before;
    }
    switch (type.kind) {
      case 'pointer':
        return this.value(type.to, before);
      case 'struct':
        return char === '{' ? this.#object(type.name, type.fields, before) : this.#mismatch(type);
      case 'map':
        return char === '{' ? this.#map(type.value, before) : this.#mismatch(type);
      case 'list':
        return char === '[' ? this.#list(type.item, type.length) : this.#mismatch(type);
      case 'words':
        return char === '"' ? [this.#string()] : char === '[' ? this.#list(STRING, undefined) : this.#mismatch(STRING);
      case 'bytes':
        if (char === '[') return Buffer.from(this.#list(BYTE, undefined) as number[]).toString('base64');
        return char === '"' ? this.#base64() : this.#mismatch(type);
      case 'literal':
        if (char !== '"' && !'-0123456789'.includes(char)) return this.#mismatch(type);
        return char === '"' ? this.#string() : this.#scalar();
      case 'string':
        return char === '"' ? this.#string() : this.#mismatch(type);
      case 'bool':
        if (char !== 't' && char !== 'f') return this.#mismatch(type);
        this.#at += char === 't' ? 4 : 5;
        return char === 't';
      default:
        return '-0123456789'.includes(char) ? this.#number(type) : this.#mismatch(type);
    }
  }

  #object(name: string, fields: Extract<GoType, { kind: 'struct' }>['fields'], before: unknown): Record<string, unknown> {
    const result: Record<string, unknown> = { ...(before as Record<string, unknown> | undefined) };
    const outer = this.#struct;
    const met = new Set<string>();
    this.#members((key) => {
      const field = fields.get(foldKey(key));
      if (field === undefined) return this.#skip();
      this.#meet(met, field.name);
      this.#struct = name.replace(/^\w+\./, '');
      this.#path.push(field.name);
      const value = this.value(field.type, result[field.name]);
      if (value === undefined) delete result[field.name];
      else result[field.name] = value;
      this.#path.pop();
    });
    this.#struct = outer;
    return result;
  }

  #map(type: GoType, before: unknown): Readonly<Record<string, unknown>> {
    const entries = new Map<string, unknown>(Object.entries((before ?? {}) as Record<string, unknown>));
    const met = new Set<string>();
    this.#members((key) => {
      this.#meet(met, key);
      // what is nil stays a key, and is null again where it is written
      entries.set(key, this.value(type, undefined) ?? (isNilable(type) ? null : zeroOf(type)));
    });
    // never by assignment: a key may be __proto__
    return Object.fromEntries(entries);
  }

  #meet(met: Set<string>, key: string): void {
    if (met.has(key)) this.repeated ??= key;
    met.add(key);
  }

  #list(item: GoType, length: number | undefined): readonly unknown[] {
    const items: unknown[] = [];
    this.#at++;
    while (this.#peek() !== ']') {
      if (length !== undefined && items.length === length) this.#skip();
      else {
        const value = this.value(item, undefined) ?? zeroOf(item);
        // Engines read through each of a list of pointers, and fall over one that is nil
        if (value === null) throw new GoJsonError(`null is no element of ${this.#place()}`);
        items.push(value);
      }
      if (this.#peek() === ',') this.#at++;
    }
    this.#at++;
    while (items.length < (length ?? 0)) items.push(zeroOf(item));
    return items;
  }

  /** `read` is called with each key, and reads its value. */
  #members(read: (key: string) => void): void {
    this.#at++;
    while (this.#peek() !== '}') {
      const key = this.#string();
      this.#peek();
      this.#at++;
      read(key);
      if (this.#peek() === ',') {
        this.#at++;
        this.#peek();
      }
    }
    this.#at++;
  }

  #number(type: Extract<GoType, { kind: 'integer' | 'float' }>): number {
    const literal = this.#scalar();
    if (type.kind === 'float') {
      const value = Number(literal);
      return Math.abs(value) <= type.max ? value + 0 : this.#refuse(`number ${literal}`, type);
    }
    if (!/^-?\d+$/.test(literal)) return this.#refuse(`number ${literal}`, type);
    const exact = literal.length < 16 ? undefined : BigInt(literal);
    if (exact === undefined ? outside(Number(literal), type) : exact < type.min || exact > type.max) {
      return this.#refuse(`number ${literal}`, type);
    }
    return exact === undefined ? Number(literal) + 0 : nearest(exact);
  }

  #base64(): string {
    const given = this.#string().replace(/[\r\n]/g, '');
    const good = /^[A-Za-z0-9+/]*={0,2}/.exec(given)?.[0].length ?? 0;
    // of what is cut short Go names the beginning of its last four
    const wrong = good < given.length ? good : good - (good % 4);
    if (wrong < given.length) throw new GoJsonError(`illegal base64 data at input byte ${wrong}`);
    return given;
  }

  #mismatch(type: GoType): never {
    const char = this.#peek();
    const kinds: Readonly<Record<string, string>> = { '{': 'object', '[': 'array', '"': 'string', t: 'bool', f: 'bool' };
    return this.#refuse(kinds[char] ?? 'number', type);
  }

  #refuse(what: string, type: GoType): never {
    throw new GoJsonError(`json: cannot unmarshal ${what} into Go ${this.#place()} of type ${type.name}`);
  }

  #place(): string {
    return this.#struct === undefined ? 'value' : `struct field ${this.#struct}.${this.#path.join('.')}`;
  }

  /** Behind white space; the value or sign there. */
  #peek(): string {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? '-')) this.#at++;
    return this.#text[this.#at] ?? '';
  }

  #string(): string {
    const from = this.#at + 1;
    let end = from;
    for (;;) {
      PLAIN.lastIndex = end;
      end += PLAIN.exec(this.#text)?.[0].length ?? 0;
      if (this.#text[end] !== '\\') break;
      end += 2;
    }
    this.#at = end + 1;
    const raw = this.#text.slice(from, end);
    return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string).replace(LONE_SURROGATE, '\uFFFD') : raw;
  }

  #scalar(): string {
    SCALAR.lastIndex = this.#at;
    const literal = SCALAR.exec(this.#text)?.[0] ?? '';
    this.#at += literal.length;
    return literal;
  }

  /** Over a value of any depth. */
  #skip(): void {
    let depth = 0;
    do {
      const char = this.#peek();
      if (char === '"') this.#string();
      else if (char === '{' || char === '[') {
        depth++;
        this.#at++;
      } else if (char === '}' || char === ']') {
        depth--;
        this.#at++;
      } else if (char === ',' || char === ':') this.#at++;
      else this.#scalar();
    } while (depth > 0);
  }
}

const STRING: GoType = { kind: 'string', name: 'string' };
const BYTE: GoType = { kind: 'integer', name: 'uint8', min: 0n, max: 255n };
const PLAIN = /[^"\\]*/y;
const SCALAR = /[-+.\w]+/y;
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** Whether null is a value of its own of the type, apart from an empty one. */
const isNilable = ({ kind }: GoType): boolean => ['pointer', 'list', 'words', 'bytes', 'map'].includes(kind);

/** What Go has where nothing was read. */
function zeroOf(type: GoType): unknown {
  switch (type.kind) {
    case 'string':
    case 'literal':
    case 'bytes':
      return '';
    case 'bool':
      return false;
    case 'integer':
    case 'float':
      return 0;
    case 'struct':
      return {};
    case 'list':
    case 'words':
      return [];
    case 'map':
      return {};
    default:
      return null;
  }
}

const outside = (value: number, { min, max }: { readonly min: bigint; readonly max: bigint }): boolean =>
  value < Number(min) || value > Number(max);

/** What JavaScript writes of an integer that it cannot hold: no larger than it was, so that it stays within its type's range. */
function nearest(exact: bigint): number {
  const value = Number(exact);
  const written = BigInt(value.toFixed(0));
  const shortest = BigInt(JSON.stringify(value));
  const isLarger = exact < 0n ? written < exact || shortest < exact : written > exact || shortest > exact;
  // a double below 2^64 is at most 2,048 from the next
  return isLarger && !Number.isSafeInteger(value) ? value - Math.sign(value) * 2_048 : value;
}
