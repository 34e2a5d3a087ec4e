/**
 * The `filters` parameter, with the matching rules of moby's `api/types/filters`.
 * https://github.com/moby/moby/blob/v26.1.5/api/types/filters/parse.go
 */
import { ArpanetError } from '../../model/index.ts';
import { goPattern } from '../../text/go-pattern.ts';

export class Filters {
  readonly #fields: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #patterns = new Map<string, readonly RegExp[]>();

  constructor(fields: ReadonlyMap<string, ReadonlySet<string>>) {
    this.#fields = fields;
  }

  /** Whether the key was given at all, with values or without. */
  has(key: string): boolean {
    return this.#fields.has(key);
  }

  get(key: string): readonly string[] {
    return [...(this.#fields.get(key) ?? [])];
  }

  get isEmpty(): boolean {
    return this.#fields.size === 0;
  }

  with(key: string, value: string): Filters {
    return new Filters(new Map([...this.#fields, [key, new Set([...this.get(key), value])]]));
  }

  /** Throws `invalid` for a key that the list does not know. */
  only(...accepted: readonly string[]): this {
    for (const key of this.#fields.keys()) if (!accepted.includes(key)) throw invalidFilter(key);
    return this;
  }

  /** One of the values, or no values. */
  exact(key: string, source: string): boolean {
    const values = this.#fields.get(key);
    return values === undefined || values.size === 0 || values.has(source);
  }

  /** One of the values, or a prefix of the source among them. */
  fuzzy(key: string, source: string): boolean {
    return this.exact(key, source) || this.get(key).some((prefix) => source.startsWith(prefix));
  }

  /** One of the values, or a regular expression among them that is found in the source. */
  match(key: string, source: string): boolean {
    return this.exact(key, source) || this.#patternsOf(key).some((pattern) => pattern.test(source));
  }

  /** All values of the key, each `name` or `name=value`, hold for the labels. */
  labels(key: string, labels: Readonly<Record<string, string>> | null | undefined): boolean {
    return this.get(key).every((wanted) => {
      const cut = wanted.indexOf('=');
      const name = cut < 0 ? wanted : wanted.slice(0, cut);
      return labels != null && Object.hasOwn(labels, name) && (cut < 0 || labels[name] === wanted.slice(cut + 1));
    });
  }

  /** Whether a prune takes what has these labels: all of `label` hold for it, and not all of `label!`. */
  prunes(labels: Readonly<Record<string, string>> | null | undefined): boolean {
    return this.labels('label', labels) && !(this.has('label!') && this.labels('label!', labels));
  }

  /** `GetBoolOrDefault`: undefined when the key was not given. */
  bool(key: string): boolean | undefined {
    const values = this.#fields.get(key);
    if (values === undefined) return undefined;
    const isFalse = values.has('0') || values.has('false');
    const isTrue = values.has('1') || values.has('true');
    if (isFalse === isTrue) throw invalidFilter(key, values.size === 0 ? undefined : this.get(key));
    return isTrue;
  }

  #patternsOf(key: string): readonly RegExp[] {
    let patterns = this.#patterns.get(key);
    if (patterns === undefined) {
      patterns = this.get(key).flatMap((value) => goPattern(value) ?? []);
      this.#patterns.set(key, patterns);
    }
    return patterns;
  }
}

export const noFilters = new Filters(new Map());

/** Takes `{"status":{"running":true}}` and the older `{"status":["running"]}`. Throws `invalid` for anything else. */
export function parseFilters(json: string | null): Filters {
  if (json === null || json === '') return noFilters;
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (cause) {
    throw new ArpanetError('invalid', 'invalid filter', { cause });
  }
  if (parsed === null) return noFilters;
  if (typeof parsed !== 'object' || Array.isArray(parsed)) throw new ArpanetError('invalid', 'invalid filter');
  const entries = Object.entries(parsed);
  const isList = entries.some(([, value]) => Array.isArray(value));
  const fields = new Map<string, ReadonlySet<string>>();
  for (const [key, value] of entries) {
    const values = isList ? listValues(value) : mapValues(value);
    if (values === undefined) throw new ArpanetError('invalid', 'invalid filter');
    fields.set(key, new Set(values));
  }
  return new Filters(fields);
}

function listValues(value: unknown): readonly string[] | undefined {
  if (value === null) return [];
  if (!Array.isArray(value)) return undefined;
  // null is an empty string, as Go reads a list of strings
  const words = value.map((item: unknown) => item ?? '');
  return words.every((item) => typeof item === 'string') ? words : undefined;
}

function mapValues(value: unknown): readonly string[] | undefined {
  if (value === null) return [];
  if (typeof value !== 'object') return undefined;
  const entries = Object.entries(value as Record<string, unknown>);
  // Engines look at the names only: `false` and null are as good as `true`
  return entries.every(([, set]) => set === null || typeof set === 'boolean') ? entries.map(([name]) => name) : undefined;
}

/** `invalid filter 'status=[x y]'`, with values only where the Engine shows them. */
export function invalidFilter(key: string, values?: readonly string[] | string): ArpanetError {
  const shown = values === undefined ? '' : typeof values === 'string' ? `=${values}` : `=[${values.join(' ')}]`;
  return new ArpanetError('invalid', `invalid filter '${key}${shown}'`);
}
