/** A service's definition in one form, whichever of its forms the file used, so that files can be merged (compose-spec, 13-merge.md). Pure. */
import type { Json } from '../model/index.ts';
import { mountOf, textOf, wordsOf } from './values.ts';

export type Definition = Readonly<Record<string, unknown>>;

export const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]);

/** `["A=1", "B"]` or `{A: 1, B: null}` as `{A: "1", B: null}`. */
function pairs(value: unknown): Json {
  if (isMap(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, one === null ? null : textOf(one)]));
  return Object.fromEntries(
    list(value).map((one) => {
      const text = textOf(one);
      const at = text.indexOf('=');
      return at === -1 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

/** `{a: b}` or `["a=b"]` as texts. */
export const labelsOf = (labels: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(pairs(labels)).map(([name, value]) => [name, value === null ? '' : textOf(value)]));

/** What a network, volume, secret or config of a file is called in the cluster: `PROJECT_KEY`, unless it has a `name:` or is external. */
export function clusterNameOf(key: string, entry: Json, project: string): { readonly name: string; readonly isExternal: boolean } {
  const { name, external } = entry;
  const isExternal = external !== undefined && external !== null && external !== false && external !== 'false';
  const given = name ?? (isMap(external) ? external['name'] : undefined);
  return { name: typeof given === 'string' && given !== '' ? given : isExternal ? key : `${project}_${key}`, isExternal };
}

const named = (value: unknown, otherwise: unknown): Json =>
  isMap(value) ? value : Object.fromEntries(list(value).map((one) => [textOf(one), otherwise]));
const byTarget = (value: unknown): Json => Object.fromEntries(list(value).map((one) => [mountOf(one).target, one]));

/** Secrets or configs of a service in the long form, by their path in the container, as compose's loader writes them. */
const storedBy =
  (folder: string) =>
  (value: unknown): Json =>
    Object.fromEntries(
      list(value).map((one) => {
        const entry: Json = isMap(one) ? one : { source: textOf(one) };
        const target = entry['target'] ?? (folder === '' ? undefined : `${folder}/${textOf(entry['source'])}`);
        return [textOf(target ?? entry['source']), { ...entry, ...(target === undefined ? {} : { target }) }];
      }),
    );

/** A name may have several addresses, in a list by being there several times. */
function hosts(value: unknown): Json {
  if (isMap(value)) return value;
  const found: Record<string, unknown[]> = {};
  for (const one of list(value)) {
    const [, name = '', ip = ''] = /^([^=:]+)[=:](.*)$/.exec(textOf(one)) ?? [textOf(one), textOf(one), ''];
    (found[name] ??= []).push(ip);
  }
  return found;
}

/** `build: DIR` as `{context: DIR}`. */
const build = (value: unknown): Json => {
  const {
    args,
    labels,
    secrets,
    cache_from: caches,
    tags,
    extra_hosts: extra,
    additional_contexts: contexts,
    ...others
  }: Json = isMap(value) ? value : { context: textOf(value) };
  return {
    ...others,
    ...(args === undefined ? {} : { args: pairs(args) }),
    ...(labels === undefined ? {} : { labels: pairs(labels) }),
    ...(secrets === undefined ? {} : { secrets: storedBy('')(secrets) }),
    ...(caches === undefined ? {} : { cache_from: list(caches) }),
    ...(tags === undefined ? {} : { tags: list(tags) }),
    ...(extra === undefined ? {} : { extra_hosts: hosts(extra) }),
    ...(contexts === undefined ? {} : { additional_contexts: pairs(contexts) }),
  };
};

const FORMS: Readonly<Record<string, (value: unknown) => unknown>> = {
  environment: (value) => pairs(value),
  labels: (value) => pairs(value),
  sysctls: (value) => pairs(value),
  extra_hosts: hosts,
  command: wordsOf,
  entrypoint: wordsOf,
  depends_on: (value) => named(value, { condition: 'service_started' }),
  networks: (value) => named(value, null),
  volumes: byTarget,
  secrets: storedBy('/run/secrets'),
  configs: storedBy(''),
  dns: list,
  dns_search: list,
  tmpfs: list,
  build,
  env_file: list,
  label_file: list,
  annotations: (value) => pairs(value),
};

/** Names of keys in fig and the first compose files. */
const FORMER: Readonly<Record<string, string>> = { net: 'network_mode' };

export function normalized(definition: Definition): Definition {
  const { log_driver: driver, log_opt: options, dockerfile, ...rest } = definition;
  // fig has it beside `build`
  const others =
    dockerfile === undefined || rest['build'] === undefined ? rest : { ...rest, build: { context: rest['build'], dockerfile } };
  const logging =
    driver === undefined && options === undefined ? {} : { logging: { driver: driver ?? 'json-file', options: options ?? {} } };
  return Object.fromEntries(
    Object.entries({ ...logging, ...others })
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([key, value]) => [FORMER[key] ?? key, (FORMS[key] ?? ((same: unknown) => same))(value)]),
  );
}

/** Without what is at these paths: `!reset` and `!override` of a later file take it away. */
export function without(definition: Definition | undefined, paths: readonly (readonly (string | number)[])[]): Definition | undefined {
  let left: Json | undefined = definition;
  for (const path of paths) left = cut(left, path);
  return left;
}

function cut(value: Json | undefined, [key, ...others]: readonly (string | number)[]): Json | undefined {
  if (value === undefined || key === undefined) return undefined;
  const { [String(key)]: inner, ...rest } = value;
  return others.length === 0 || !isMap(inner) ? rest : { ...rest, [String(key)]: cut(inner, others) };
}

const REPLACED = new Set(['command', 'entrypoint', 'test']);

/** Merges a later file into an earlier one as compose does: maps key by key, lists appended, everything else replaced. */
export function mergeFiles(below: unknown, above: unknown, key = ''): unknown {
  if (above === undefined) return below;
  if (isMap(below) && isMap(above)) {
    const keys = [...new Set([...Object.keys(below), ...Object.keys(above)])];
    return Object.fromEntries(keys.map((one) => [one, mergeFiles(below[one], above[one], one)]));
  }
  if (Array.isArray(below) && Array.isArray(above) && !REPLACED.has(key)) {
    const seen = new Set(below.map((one) => JSON.stringify(one)));
    return [...(below as unknown[]), ...(above as unknown[]).filter((one) => !seen.has(JSON.stringify(one)))];
  }
  return above;
}
