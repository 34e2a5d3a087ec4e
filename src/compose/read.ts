/** Files -> one stack: each checked (check.ts), others included and extended, all merged (compose-spec, 13-merge.md, 14-include.md). Every error names file, line and key. */
import { ArpanetError, type Json } from '../model/index.ts';
import { type Checked, checkedFile, isFirstForm, servicePath } from './check.ts';
import type { Variables } from './interpolate.ts';
import { type Definition, isMap, normalized, mergeFiles, without } from './normalize.ts';
import { type Elsewhere, rebased, rebasedFile } from './rebase.ts';
import type { Path, Source } from './source.ts';
import { textOf } from './values.ts';

const KINDS = ['networks', 'volumes', 'secrets', 'configs'] as const;
type Resources = Readonly<Record<(typeof KINDS)[number], Readonly<Record<string, Json>>>>;

/** What all files together define: variables substituted, files merged, `include` and `extends` resolved, every service in one form (normalize.ts). */
export interface Stack extends Resources {
  /** `name:` of the last file that has one. */
  readonly name: string | undefined;
  readonly services: ReadonlyMap<string, Definition>;
  /** Variables that are not set and have no default. */
  readonly unset: readonly string[];
  /** Keys that are read by nobody, and why; a line each. */
  readonly ignored: readonly string[];
  /** fig's form: its volumes have no list of their own, and are called as they are. */
  readonly isFig: boolean;
  /** File and line where a service's key was defined last. */
  readonly at: (service: string, key?: string) => string;
}

/** What an entry of `include:` means. */
export interface Included extends Elsewhere {
  readonly sources: readonly Source[];
}

export interface ReadDeps {
  readonly variables: Variables;
  /** Another file that a service extends, as it was named there. Throws `invalid`. */
  readonly open: (file: string, from: string) => Source;
  /** The files of an entry of `include:`, named from `folder` (undefined: the project's own). Throws `invalid`. */
  readonly include: (entry: unknown, folder: string | undefined) => Included;
}

/** Where the files are that are read now. */
interface Place {
  /** undefined: the project's own. */
  readonly folder: string | undefined;
  /** Files that include this one. */
  readonly way: readonly string[];
}

/** Throws `invalid` with all complaints, a line each. */
export function readStack(sources: readonly Source[], deps: ReadDeps): Stack {
  return readIn(sources, deps, { folder: undefined, way: [] });
}

function readIn(sources: readonly Source[], deps: ReadDeps, place: Place): Stack {
  const { variables } = deps;
  const problems: string[] = [];
  const places = new Map<string, string>();
  const included: Stack[] = [];
  const services = new Map<string, Definition>();
  const resources: Record<string, Record<string, Json>> = { networks: {}, volumes: {}, secrets: {}, configs: {} };
  const seen = new Map<Source, Checked>();
  let name: string | undefined;

  function checked(source: Source): Checked {
    const made = seen.get(source) ?? checkedFile(source, variables);
    if (!seen.has(source)) problems.push(...made.problems);
    seen.set(source, made);
    return made;
  }

  function extended(source: Source, definition: Definition, path: Path, way: readonly string[]): Definition {
    const { extends: entry, ...own } = definition;
    if (entry === undefined) return definition;
    const { file, service } = isMap(entry) ? entry : { file: undefined, service: entry };
    const from = typeof file === 'string' ? deps.open(file, source.file) : source;
    const key = `${from.file} ${textOf(service)}`;
    const { form, services: there, problems: theirs } = checked(from);
    if (theirs.length > 0) return own;
    const raw = there[textOf(service)];
    if (raw === undefined || way.includes(key)) {
      problems.push(
        `${source.at([...path, 'extends'])}: ${path.join('.')}.extends: ${raw === undefined ? `${from.file} has no service "${textOf(service)}"` : 'extends itself in a circle'}`,
      );
      return own;
    }
    const base = extended(from, normalized(raw), servicePath(form, textOf(service)), [...way, key]);
    const folder = from === source ? '' : folderOf(from.file);
    return mergeFiles(folder === '' ? base : rebased(base, { folder, variables: { HOME: variables['HOME'] } }), own) as Definition;
  }

  /** What a file includes, each part once. */
  function withIncluded(source: Source, entries: unknown): { readonly services: Map<string, Definition>; readonly resources: Resources } {
    const found = { services: new Map<string, Definition>(), resources: { networks: {}, volumes: {}, secrets: {}, configs: {} } };
    for (const [index, entry] of (Array.isArray(entries) ? entries : []).entries()) {
      try {
        const there = deps.include(entry, place.folder);
        const circle = there.sources.find(({ file }) => place.way.includes(file) || file === source.file);
        if (circle !== undefined) throw new ArpanetError('invalid', `${circle.file} includes itself in a circle`);
        const way = [...place.way, source.file];
        const stack = readIn(there.sources, { ...deps, variables: there.variables }, { folder: there.folder, way });
        included.push(stack);
        for (const [service, definition] of stack.services) {
          refuseTwice(found.services.get(service), definition, `services.${service}`);
          found.services.set(service, definition);
        }
        for (const kind of KINDS)
          for (const [key, value] of Object.entries(stack[kind])) {
            const known: Record<string, Json> = found.resources[kind];
            refuseTwice(known[key], value, `${kind}.${key}`);
            known[key] = value;
          }
      } catch (error) {
        if (!(error instanceof ArpanetError)) throw error;
        problems.push(`${source.at(['include', index])}: include: ${error.message}`);
      }
    }
    return found;
  }

  for (const source of sources) {
    if (!isMap(source.value)) {
      problems.push(`${source.file}:1: the file has no services`);
      continue;
    }
    const { form, top, services: own } = checked(source);
    if (typeof top['name'] === 'string') name = top['name'];
    const others = withIncluded(source, top['include']);
    for (const [service, definition] of others.services) services.set(service, mergeFiles(services.get(service), definition) as Definition);
    for (const kind of KINDS)
      for (const [key, value] of [...Object.entries(others.resources[kind]), ...Object.entries(isMap(top[kind]) ? top[kind] : {})]) {
        const into = resources[kind] ?? {};
        const before = source.replaced.some((path) => path.join('.') === `${kind}.${key}`) ? undefined : into[key];
        into[key] = mergeFiles(before, value ?? {}) as Json;
      }
    for (const [service, raw] of Object.entries(own)) {
      const path = servicePath(form, service);
      places.set(service, source.at(path));
      for (const key of Object.keys(raw)) places.set(`${service}.${key}`, source.at([...path, key]));
      const definition = extended(source, normalized(raw), path, [`${source.file} ${service}`]);
      if (others.services.has(service) && JSON.stringify(others.services.get(service)) !== JSON.stringify(definition))
        problems.push(`${source.at(path)}: ${path.join('.')}: an included file has a service "${service}", too, and they differ`);
      const replaced = source.replaced
        .filter((one) => path.every((step, index) => one[index] === step))
        .map((one) => one.slice(path.length));
      services.set(service, mergeFiles(without(services.get(service), replaced), definition) as Definition);
    }
  }
  if (problems.length > 0) throw new ArpanetError('invalid', problems.join('\n'));
  const at = (service: string, key?: string): string =>
    (key === undefined ? undefined : places.get(`${service}.${key}`)) ??
    places.get(service) ??
    included.find((stack) => stack.services.has(service))?.at(service, key) ??
    '';
  const stack = {
    name,
    services,
    networks: resources['networks'] ?? {},
    volumes: resources['volumes'] ?? {},
    secrets: resources['secrets'] ?? {},
    configs: resources['configs'] ?? {},
    unset: [...new Set([...[...seen.values()].flatMap((one) => one.unset), ...included.flatMap((one) => one.unset)])],
    ignored: [...[...seen.values()].flatMap((one) => one.ignored), ...included.flatMap((one) => one.ignored)],
    isFig: sources.every(({ value }) => isFirstForm(value)),
    at,
  };
  return place.folder === undefined ? stack : elsewhere(stack, { folder: place.folder, variables });
}

/** With whole paths, so that it can be part of a project in another folder. */
function elsewhere(stack: Stack, where: Elsewhere): Stack {
  const files = (entries: Readonly<Record<string, Json>>) =>
    Object.fromEntries(Object.entries(entries).map(([key, entry]) => [key, rebasedFile(entry, where)]));
  const services = new Map([...stack.services].map(([service, definition]) => [service, rebased(definition, where)]));
  return { ...stack, services, secrets: files(stack.secrets), configs: files(stack.configs) };
}

function refuseTwice(known: unknown, given: unknown, what: string): void {
  if (known !== undefined && JSON.stringify(known) !== JSON.stringify(given))
    throw new ArpanetError('invalid', `${what}: two included files define it, and they differ`);
}

const folderOf = (file: string): string => file.slice(0, Math.max(0, file.lastIndexOf('/')));
