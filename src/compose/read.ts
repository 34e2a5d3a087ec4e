/** Files -> one stack: variables substituted, checked against the published schemas of compose-spec, merged, extended. Every error names file, line and key. */
import { ArpanetError, type Json } from '../model/index.ts';
import { interpolate, type Variables } from './interpolate.ts';
import { refusalOf } from './unsupported-keys.ts';
import { type Definition, isMap, normalized, mergeFiles } from './normalize.ts';
import { type Form, violations } from './schema.ts';
import type { Path, Source } from './source.ts';
import { bytesOf, mountOf, nanosecondsOf, portsOf, swapOf, textOf, wordsOf } from './values.ts';

/** What all files together define: variables substituted, files merged, `extends` resolved, every service in one form (normalize.ts). */
export interface Stack {
  /** `name:` of the last file that has one. */
  readonly name: string | undefined;
  readonly services: ReadonlyMap<string, Definition>;
  readonly networks: Readonly<Record<string, Json>>;
  readonly volumes: Readonly<Record<string, Json>>;
  readonly secrets: Readonly<Record<string, Json>>;
  readonly configs: Readonly<Record<string, Json>>;
  /** Variables that are not set and have no default. */
  readonly unset: readonly string[];
  /** fig's form: its volumes have no list of their own, and are called as they are. */
  readonly isFig: boolean;
  /** File and line where a service's key was defined last. */
  readonly at: (service: string, key?: string) => string;
}

export interface ReadDeps {
  readonly variables: Variables;
  /** Another file that a service extends, as it was named there. Throws `invalid`. */
  readonly open: (file: string, from: string) => Source;
}

interface Checked {
  readonly form: Form;
  readonly top: Json;
  readonly services: Readonly<Record<string, Definition>>;
}

/** Throws `invalid` with all complaints, a line each. */
export function readStack(sources: readonly Source[], { variables, open }: ReadDeps): Stack {
  const problems: string[] = [];
  const unset = new Set<string>();
  const places = new Map<string, string>();
  const services = new Map<string, Definition>();
  const networks: Record<string, Json> = {};
  const volumes: Record<string, Json> = {};
  const secrets: Record<string, Json> = {};
  const configs: Record<string, Json> = {};
  const seen = new Map<Source, Checked>();
  let name: string | undefined;

  const filled = (source: Source, value: unknown, path: Path): unknown => {
    if (typeof value === 'string') {
      try {
        return interpolate(value, variables, (variable) => unset.add(variable));
      } catch (error) {
        problems.push(`${source.at(path)}: ${path.join('.')}: ${error instanceof Error ? error.message : String(error)}`);
        return '';
      }
    }
    if (Array.isArray(value)) return value.map((one: unknown, index) => filled(source, one, [...path, index]));
    if (isMap(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(source, one, [...path, key])]));
    return value;
  };

  /** A file with its variables substituted, checked against its schema; without services if it has an error. */
  function checked(source: Source): Checked {
    const known = seen.get(source);
    if (known !== undefined) return known;
    const form = isFirstForm(source.value) ? 'fig' : 'spec';
    const before = problems.length;
    const value = dropNulls(filled(source, source.value, []), form) as Json;
    const complaints: { readonly path: Path; readonly what: string }[] = [];
    const refused = new Set<string>();
    for (const path of paths(form === 'fig' ? { services: value } : value)) {
      const own = form === 'fig' ? path.slice(1) : path;
      const why = refusalOf(path, valueAt(value, own));
      if (why === undefined) continue;
      refused.add(own.join('.'));
      complaints.push({ path: own, what: `: is not supported: ${why}` });
    }
    for (const violation of violations(form, value)) if (!refused.has(violation.path.join('.'))) complaints.push(violation);
    if (complaints.length === 0)
      for (const [service, definition] of Object.entries(servicesOf(value, form)))
        for (const [key, one] of Object.entries(definition)) {
          const why = whyUnreadable(key, one);
          if (why !== undefined) complaints.push({ path: [...servicePath(form, service), key], what: `: ${why}` });
        }
    const lineOf = (path: Path) => Number(source.at(path).slice(source.file.length + 1));
    for (const { path, what } of complaints.toSorted((a, b) => lineOf(a.path) - lineOf(b.path)))
      problems.push(`${source.at(path)}: ${path.join('.') || 'the file'}${what}`);
    const made: Checked =
      problems.length > before
        ? { form, top: {}, services: {} }
        : { form, top: form === 'fig' ? {} : value, services: servicesOf(value, form) };
    seen.set(source, made);
    return made;
  }

  function extended(source: Source, definition: Definition, path: Path, way: readonly string[]): Definition {
    const { extends: entry, ...own } = definition;
    if (entry === undefined) return definition;
    const { file, service } = isMap(entry) ? entry : { file: undefined, service: entry };
    const from = typeof file === 'string' ? open(file, source.file) : source;
    const key = `${from.file} ${textOf(service)}`;
    const before = problems.length;
    const { form, services: there } = checked(from);
    if (problems.length > before) return own;
    const raw = there[textOf(service)];
    if (raw === undefined || way.includes(key)) {
      problems.push(
        `${source.at([...path, 'extends'])}: ${path.join('.')}.extends: ${raw === undefined ? `${from.file} has no service "${textOf(service)}"` : 'extends itself in a circle'}`,
      );
      return own;
    }
    const base = extended(from, normalized(raw), servicePath(form, textOf(service)), [...way, key]);
    return mergeFiles(base, own) as Definition;
  }

  for (const source of sources) {
    if (!isMap(source.value)) {
      problems.push(`${source.file}:1: the file has no services`);
      continue;
    }
    const { form, top, services: own } = checked(source);
    if (typeof top['name'] === 'string') name = top['name'];
    for (const [kind, into] of [
      ['networks', networks],
      ['volumes', volumes],
      ['secrets', secrets],
      ['configs', configs],
    ] as const)
      for (const [key, value] of Object.entries(isMap(top[kind]) ? top[kind] : {})) into[key] = mergeFiles(into[key], value ?? {}) as Json;
    for (const [service, raw] of Object.entries(own)) {
      const path = servicePath(form, service);
      places.set(service, source.at(path));
      for (const key of Object.keys(raw)) places.set(`${service}.${key}`, source.at([...path, key]));
      const definition = extended(source, normalized(raw), path, [`${source.file} ${service}`]);
      services.set(service, mergeFiles(services.get(service), definition) as Definition);
    }
  }
  if (problems.length > 0) throw new ArpanetError('invalid', problems.join('\n'));
  const at = (service: string, key?: string) =>
    (key === undefined ? undefined : places.get(`${service}.${key}`)) ?? places.get(service) ?? '';
  return {
    name,
    services,
    networks,
    volumes,
    secrets,
    configs,
    unset: [...unset],
    isFig: sources.every(({ value }) => isFirstForm(value)),
    at,
  };
}

const each = (read: (value: unknown) => unknown) => (value: unknown) => (Array.isArray(value) ? value : []).map(read);
const times = (keys: readonly string[]) => (value: unknown) =>
  keys.map((key) => (isMap(value) && value[key] !== undefined ? nanosecondsOf(value[key]) : 0));
const READERS: Readonly<Record<string, (value: unknown) => unknown>> = {
  command: wordsOf,
  entrypoint: wordsOf,
  ports: each(portsOf),
  expose: each(portsOf),
  volumes: each(mountOf),
  mem_limit: bytesOf,
  mem_reservation: bytesOf,
  shm_size: bytesOf,
  stop_grace_period: nanosecondsOf,
  memswap_limit: swapOf,
  healthcheck: times(['interval', 'timeout', 'start_period', 'start_interval']),
};

/** Why a value cannot be parsed; checked here, where its line is known. */
function whyUnreadable(key: string, value: unknown): string | undefined {
  try {
    if (Object.hasOwn(READERS, key)) READERS[key]?.(value);
    return undefined;
  } catch (error) {
    if (error instanceof ArpanetError) return error.message;
    throw error;
  }
}

/** fig's form, and compose's first: services are at the top level. */
const isFirstForm = (value: unknown): boolean =>
  isMap(value) &&
  !['version', 'services', 'name', 'networks', 'volumes'].some((key) => Object.hasOwn(value, key) && !isService(value[key]));
const isService = (value: unknown): boolean => isMap(value) && (Object.hasOwn(value, 'image') || Object.hasOwn(value, 'build'));

const servicePath = (form: Form, service: string): Path => (form === 'fig' ? [service] : ['services', service]);

const servicesOf = (value: Json, form: Form): Readonly<Record<string, Definition>> =>
  (form === 'fig' ? value : (value['services'] ?? {})) as Readonly<Record<string, Definition>>;

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((inner, step) => (isMap(inner) ? inner[String(step)] : undefined), value);

/** The ways to all keys of maps. */
function* paths(value: unknown, before: Path = []): Generator<Path> {
  if (!isMap(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    yield [...before, key];
    yield* paths(inner, [...before, key]);
  }
}

/** A key without a value (`environment:`) is the same as no key. */
function dropNulls(value: unknown, form: Form): unknown {
  const without = (map: unknown) => (isMap(map) ? Object.fromEntries(Object.entries(map).filter(([, one]) => one !== null)) : map);
  const inServices = (services: unknown) =>
    isMap(services) ? Object.fromEntries(Object.entries(services).map(([name, one]) => [name, without(one)])) : services;
  if (form === 'fig') return inServices(value);
  const top = without(value);
  return isMap(top) && isMap(top['services']) ? { ...top, services: inServices(top['services']) } : top;
}
