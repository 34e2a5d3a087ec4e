/** One file: its variables filled in, checked against its published schema. Complaints name file, line and key (docker/compose, compose-go, loader/loader.go). Pure. */
import { ArpanetError, type Json } from '../model/index.ts';
import { interpolate, type Variables } from './interpolate.ts';
import { type Definition, isMap } from './normalize.ts';
import { type Form, violations } from './schema.ts';
import type { Path, Source } from './source.ts';
import { ignoredBecause, refusedBecause } from './unsupported-keys.ts';
import { bytesOf, mountOf, nanosecondsOf, portsOf, swapOf, wordsOf } from './values.ts';

/** A file without its mistakes; empty where it has some. */
export interface Checked {
  readonly form: Form;
  /** The keys beside the services. */
  readonly top: Json;
  readonly services: Readonly<Record<string, Definition>>;
  /** A line each. */
  readonly problems: readonly string[];
  /** Keys that are read by nobody, and why; a line each. */
  readonly ignored: readonly string[];
  /** Variables that are not set and have no default. */
  readonly unset: readonly string[];
}

/** Never throws: what is wrong is in `problems`. */
export function checkedFile(source: Source, variables: Variables): Checked {
  const problems: string[] = [];
  const unset = new Set<string>();
  const filled = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') {
      try {
        return interpolate(value, variables, (variable) => unset.add(variable));
      } catch (error) {
        problems.push(`${source.at(path)}: ${path.join('.')}: ${error instanceof Error ? error.message : String(error)}`);
        return '';
      }
    }
    if (Array.isArray(value)) return value.map((one: unknown, index) => filled(one, [...path, index]));
    if (isMap(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(one, [...path, key])]));
    return value;
  };
  const form = isFirstForm(source.value) ? 'fig' : 'spec';
  const value = dropNulls(filled(source.value, []), form) as Json;
  const { complaints, ignored } = complaintsOf(value, form);
  const lineOf = (path: Path) => Number(source.at(path).slice(source.file.length + 1));
  const said = ({ path, what }: Complaint) => `${source.at(path)}: ${path.join('.') || 'the file'}${what}`;
  problems.push(...complaints.toSorted((a, b) => lineOf(a.path) - lineOf(b.path)).map(said));
  const isWrong = problems.length > 0;
  return {
    form,
    top: isWrong || form === 'fig' ? {} : value,
    services: isWrong ? {} : servicesOf(value, form),
    problems,
    ignored: ignored.map(said),
    unset: [...unset],
  };
}

interface Complaint {
  readonly path: Path;
  readonly what: string;
}

function complaintsOf(value: Json, form: Form): { readonly complaints: readonly Complaint[]; readonly ignored: readonly Complaint[] } {
  const complaints: Complaint[] = [];
  const ignored: Complaint[] = [];
  const refused = new Set<string>();
  for (const path of paths(form === 'fig' ? { services: value } : value)) {
    const own = form === 'fig' ? path.slice(1) : path;
    const why = refusedBecause(path, valueAt(value, own));
    const idle = ignoredBecause(path, valueAt(value, own));
    if (idle !== undefined) ignored.push({ path: own, what: `: is ignored: ${idle}` });
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
  return { complaints, ignored };
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

const TOP = ['version', 'services', 'name', 'networks', 'volumes', 'secrets', 'configs', 'include'];

/** fig's form, and compose's first: services are at the top level. */
export const isFirstForm = (value: unknown): boolean =>
  isMap(value) && !TOP.some((key) => Object.hasOwn(value, key) && !isService(value[key]));
const isService = (value: unknown): boolean => isMap(value) && (Object.hasOwn(value, 'image') || Object.hasOwn(value, 'build'));

/** Where a file of this form has a service. */
export const servicePath = (form: Form, service: string): Path => (form === 'fig' ? [service] : ['services', service]);

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
