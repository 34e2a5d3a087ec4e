/** Fills in Go's templates, as `docker service create` takes them in env, hostname and mounts. Pure. */
import { GoTemplateError, type Node, type Operand, parseGoTemplate, type Pipeline } from './parse.ts';

/** What a template can name: texts, numbers, Go's maps as Maps, Go's structs as objects. */
export type GoValue = string | number | boolean | null | undefined | ReadonlyMap<string, string> | { readonly [field: string]: GoValue };

/** A text that grows beyond this, by ranges in ranges, is refused. */
const MOST_CHARACTERS = 256 * 1024;
const MOST_STEPS = 20_000;

/** Whether there is anything to fill in. */
export const hasTemplate = (text: string): boolean => text.includes('{{');

/** `more`: functions beside those below, or in their place. Throws `GoTemplateError`, in Go's words. */
export function expandGoTemplate(template: string, context: GoValue, more: Calls = {}): string {
  if (!hasTemplate(template)) return template;
  const run = new Run(context, { ...FUNCTIONS, ...more });
  run.all(parseGoTemplate(template), context);
  return run.text;
}

class Run {
  text = '';
  #steps = 0;
  readonly #variables: { readonly name: string; value: GoValue }[];

  readonly #functions: Calls;

  constructor(context: GoValue, functions: Calls) {
    this.#functions = functions;
    this.#variables = [{ name: '$', value: context }];
  }

  all(nodes: readonly Node[], dot: GoValue): void {
    const kept = this.#variables.length;
    for (const node of nodes) this.node(node, dot);
    this.#variables.length = kept;
  }

  private node(node: Node, dot: GoValue): void {
    if (++this.#steps > MOST_STEPS || this.text.length > MOST_CHARACTERS) throw new GoTemplateError('exceeded maximum template depth');
    switch (node.kind) {
      case 'text':
        this.text += node.text;
        return;
      case 'action': {
        const value = this.pipeline(node.pipeline, dot);
        if (node.pipeline.declares.length === 0) this.text += shown(value);
        return;
      }
      case 'range':
        return this.range(node.pipeline, node.body, node.otherwise, dot);
      default: {
        const kept = this.#variables.length;
        const value = this.pipeline(node.pipeline, dot);
        if (isTrue(value)) this.all(node.body, node.kind === 'with' ? value : dot);
        else this.all(node.otherwise, dot);
        this.#variables.length = kept;
      }
    }
  }

  private range(pipeline: Pipeline, body: readonly Node[], otherwise: readonly Node[], dot: GoValue): void {
    const value = this.value(pipeline, dot);
    if (!(value instanceof Map)) throw new GoTemplateError(`range can't iterate over ${shown(value)}`);
    const entries = [...(value as ReadonlyMap<string, string>)].toSorted(([a], [b]) => (a < b ? -1 : 1));
    for (const [key, one] of entries) {
      const kept = this.#variables.length;
      const values = pipeline.declares.length > 1 ? [key, one] : [one];
      pipeline.declares.forEach((name, i) => this.#variables.push({ name, value: values[i] }));
      this.all(body, one);
      this.#variables.length = kept;
    }
    if (entries.length === 0) this.all(otherwise, dot);
  }

  private pipeline(pipeline: Pipeline, dot: GoValue): GoValue {
    const value = this.value(pipeline, dot);
    for (const name of pipeline.declares) {
      const known = this.#variables.findLast((variable) => variable.name === name);
      if (pipeline.isNew) this.#variables.push({ name, value });
      else if (known === undefined) throw new GoTemplateError(`undefined variable ${JSON.stringify(name)}`);
      else known.value = value;
    }
    return value;
  }

  private value({ commands }: Pipeline, dot: GoValue): GoValue {
    let piped: readonly GoValue[] = [];
    for (const [first, ...others] of commands) {
      if (first === undefined) continue;
      if (first.kind === 'function') {
        piped = [this.call(first.name, [...others.map((one) => this.operand(one, dot)), ...piped])];
        continue;
      }
      if (others.length > 0 || piped.length > 0) throw new GoTemplateError(`can't give argument to non-function ${wordsOf(first)}`);
      piped = [this.operand(first, dot)];
    }
    return piped[0];
  }

  private call(name: string, given: readonly GoValue[]): GoValue {
    const made = Object.hasOwn(this.#functions, name) ? this.#functions[name] : undefined;
    if (made === undefined) throw new GoTemplateError(`function ${JSON.stringify(name)} not defined`);
    return made(...given);
  }

  private operand(operand: Operand, dot: GoValue): GoValue {
    switch (operand.kind) {
      case 'constant':
        return operand.value;
      case 'variable': {
        const known = this.#variables.findLast(({ name }) => name === operand.name);
        if (known === undefined) throw new GoTemplateError(`undefined variable ${JSON.stringify(operand.name)}`);
        return known.value;
      }
      case 'function':
        return this.call(operand.name, []);
      case 'pipeline':
        return this.value(operand.pipeline, dot);
      default:
        return operand.path.reduce<GoValue>(
          (value, field) => fieldOf(value, field, operand),
          operand.of === undefined ? dot : this.operand(operand.of, dot),
        );
    }
  }
}

function fieldOf(value: GoValue, field: string, operand: Operand): GoValue {
  if (value instanceof Map) return (value as ReadonlyMap<string, string>).get(field);
  if (isStruct(value) && Object.hasOwn(value, field)) return value[field];
  throw new GoTemplateError(`executing "expansion" at <${wordsOf(operand)}>: can't evaluate field ${field}`);
}

const isStruct = (value: GoValue): value is { readonly [field: string]: GoValue } =>
  typeof value === 'object' && value !== null && !(value instanceof Map);

function wordsOf(operand: Operand): string {
  if (operand.kind === 'fields') return `${operand.of === undefined ? '' : wordsOf(operand.of)}.${operand.path.join('.')}`;
  if (operand.kind === 'constant') return JSON.stringify(operand.value);
  return operand.kind === 'pipeline' ? '(…)' : operand.name;
}

/** As Go prints it, and what has no value as Go says that. */
function shown(value: GoValue): string {
  if (value === undefined || value === null) return '<no value>';
  if (value instanceof Map) return `map[${mapEntries(value as ReadonlyMap<string, string>)}]`;
  if (isStruct(value)) return `{${Object.values(value).map(shown).join(' ')}}`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const mapEntries = (map: ReadonlyMap<string, string>): string =>
  [...map]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}:${value}`)
    .join(' ');

function isTrue(value: GoValue): boolean {
  if (value instanceof Map) return value.size > 0;
  return isStruct(value) || Boolean(value);
}

type Calls = Readonly<Record<string, (...given: readonly GoValue[]) => GoValue>>;

const compared = (a: GoValue, b: GoValue): number => {
  if (typeof a !== typeof b || (typeof a !== 'string' && typeof a !== 'number'))
    throw new GoTemplateError('incompatible types for comparison');
  return a === b ? 0 : (a as string) < (b as string) ? -1 : 1;
};

/** Go's own, and swarmkit's `join`, whose first argument parts the others (template/template.go). */
const FUNCTIONS: Calls = {
  join: (between, ...parts) => parts.map(shown).join(shown(between)),
  index: (of, ...path) => path.reduce<GoValue>((value, key) => indexed(value, key), of),
  len: (of) => (of instanceof Map ? of.size : typeof of === 'string' ? Buffer.byteLength(of) : noLength(of)),
  print: (...all) =>
    all.map((one, i) => (i > 0 && typeof one !== 'string' && typeof all[i - 1] !== 'string' ? ' ' : '') + shown(one)).join(''),
  println: (...all) => `${all.map(shown).join(' ')}\n`,
  printf: (format, ...all) => formatted(shown(format), all),
  eq: (first, ...others) => others.some((other) => first === other),
  ne: (a, b) => a !== b,
  lt: (a, b) => compared(a, b) < 0,
  le: (a, b) => compared(a, b) <= 0,
  gt: (a, b) => compared(a, b) > 0,
  ge: (a, b) => compared(a, b) >= 0,
  and: (...all) => (all.every(isTrue) ? all.at(-1) : all.find((one) => !isTrue(one))),
  or: (...all) => all.find(isTrue) ?? all.at(-1),
  not: (one) => !isTrue(one),
};

function indexed(of: GoValue, key: GoValue): GoValue {
  if (of instanceof Map) return (of as ReadonlyMap<string, string>).get(shown(key)) ?? '';
  throw new GoTemplateError(`error calling index: can't index item of type ${typeof of}`);
}

function noLength(of: GoValue): never {
  throw new GoTemplateError(`error calling len: len of type ${typeof of}`);
}

/** `%s`, `%v`, `%d`, `%q`, each with a width. */
function formatted(format: string, given: readonly GoValue[]): string {
  let next = 0;
  return format.replaceAll(/%(?:%|([-0]?)(\d{0,4})([a-zA-Z]))/g, (whole, flag?: string, width?: string, verb?: string) => {
    if (whole === '%%') return '%';
    const value = given[next++];
    const text = verb === 'q' ? JSON.stringify(shown(value)) : shown(value);
    if (verb === undefined || !'svdq'.includes(verb)) return `%!${verb ?? ''}(${typeof value}=${text})`;
    const size = Number(width ?? 0);
    return flag === '-' ? text.padEnd(size) : text.padStart(size, flag === '0' ? '0' : ' ');
  });
}
