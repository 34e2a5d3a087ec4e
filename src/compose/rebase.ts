/** Paths of a file that lies elsewhere than the project: `./here` there is not `./here` in the project's folder (compose-go, paths/resolve.go). Pure. */
import type { Json } from '../model/index.ts';
import { isRemoteContext } from './build.ts';
import { type Definition, isMap } from './normalize.ts';
import { absolutePath, textOf } from './values.ts';

export interface Elsewhere {
  /** The folder that `./here` is in. */
  readonly folder: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** A service in its normal form, with whole paths, and with the variables of its own file where its environment takes them from outside. */
export function rebased(definition: Definition, { folder, variables }: Elsewhere): Definition {
  const whole = (path: unknown) => absolutePath(folder, textOf(path), variables['HOME']);
  const forms: Readonly<Record<string, (value: unknown) => unknown>> = {
    build: (value) => {
      const context = textOf((isMap(value) ? value['context'] : undefined) ?? '.');
      const extra = isMap(value) ? value['additional_contexts'] : undefined;
      return {
        ...(isMap(value) ? value : {}),
        context: isRemoteContext(context) ? context : whole(context),
        ...(isMap(extra)
          ? {
              additional_contexts: Object.fromEntries(
                Object.entries(extra).map(([name, one]) => [name, isFolder(textOf(one)) ? whole(one) : one]),
              ),
            }
          : {}),
      };
    },
    env_file: (value) => files(value, whole),
    label_file: (value) => files(value, whole),
    environment: (value) =>
      Object.fromEntries(Object.entries(isMap(value) ? value : {}).map(([name, own]) => [name, own ?? variables[name] ?? null])),
    volumes: (value) =>
      Object.fromEntries(Object.entries(isMap(value) ? value : {}).map(([target, mount]) => [target, mounted(mount, whole)])),
  };
  return Object.fromEntries(Object.entries(definition).map(([key, value]) => [key, forms[key] === undefined ? value : forms[key](value)]));
}

const isFolder = (context: string): boolean => !/^(?:[a-z][a-z0-9+-]*:|git@)/.test(context);

/** A secret or config with its whole path. */
export const rebasedFile = (entry: Json, { folder, variables }: Elsewhere): Json =>
  typeof entry['file'] === 'string' ? { ...entry, file: absolutePath(folder, entry['file'], variables['HOME']) } : entry;

const files = (value: unknown, whole: (path: unknown) => string): unknown =>
  (Array.isArray(value) ? value : []).map((one: unknown) => (isMap(one) ? { ...one, path: whole(one['path']) } : whole(one)));

function mounted(mount: unknown, whole: (path: unknown) => string): unknown {
  if (isMap(mount)) return mount['type'] === 'bind' ? { ...mount, source: whole(mount['source']) } : mount;
  const [source = '', ...others] = textOf(mount).split(':');
  return others.length > 0 && /^[.~]/.test(source) ? [whole(source), ...others].join(':') : mount;
}
