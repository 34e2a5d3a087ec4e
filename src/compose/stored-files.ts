/** Secrets and configs of a file (compose-spec, 08-configs.md and 09-secrets.md): what is kept in the cluster's store, and which files containers get of it. Pure. */
import { ArpanetError, type Json, type SecretFile, type SecretKind, composeLabels } from '../model/index.ts';
import { clusterNameOf, type Definition, isMap, labelsOf } from './normalize.ts';
import { textOf } from './values.ts';

/** Where the content comes from: a path as the file has it, a variable, the text itself; `external`: it must be in the store already. */
export type ContentSource =
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'environment'; readonly variable: string }
  | { readonly from: 'content'; readonly text: string }
  | { readonly from: 'external' };

/** A secret or config that the files define. */
export interface StoredObject {
  readonly kind: SecretKind;
  /** What the file calls it. */
  readonly key: string;
  /** What the cluster calls it: `PROJECT_KEY`, unless the file has `name:`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly source: ContentSource;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** One top-level entry of `secrets:` or `configs:`. Throws `invalid` where it has no source, or several. */
export function storedObject(kind: SecretKind, key: string, entry: Json, project: string): StoredObject {
  const { file, environment, content, labels } = entry;
  const { name, isExternal } = clusterNameOf(key, entry, project);
  const [path, variable, inline] = [text(file), text(environment), text(content)];
  const sources: ContentSource[] = [
    ...(path === undefined ? [] : [{ from: 'file' as const, path }]),
    ...(variable === undefined ? [] : [{ from: 'environment' as const, variable }]),
    ...(inline === undefined ? [] : [{ from: 'content' as const, text: inline }]),
    ...(isExternal ? [{ from: 'external' as const }] : []),
  ];
  const [source] = sources;
  if (source === undefined || sources.length > 1)
    throw new ArpanetError(
      'invalid',
      `${kind}s.${key}: give exactly one of file, environment, ${kind === 'config' ? 'content, ' : ''}external`,
    );
  return {
    kind,
    key,
    name,
    labels: {
      ...labelsOf(labels),
      [composeLabels.project]: project,
      [`${composeLabels.prefix}${kind}`]: key,
    },
    source,
  };
}

/** The default mode of a secret's or config's file, as compose has it: everybody may read it. */
const READABLE = 0o444;

/** The path in a container: a secret's below /run/secrets unless it is absolute, a config's below /. */
const pathOf = (kind: SecretKind, target: string): string =>
  target.startsWith('/') ? target : `${kind === 'secret' ? '/run/secrets' : ''}/${target}`;

/** The files that each container of a service gets; `idOf` says which stored object a name of the file means. Throws `invalid`. */
export function secretFiles(definition: Definition, idOf: (kind: SecretKind, key: string) => string): readonly SecretFile[] {
  const files = (['secret', 'config'] as const).flatMap((kind) =>
    Object.values(isMap(definition[`${kind}s`]) ? (definition[`${kind}s`] as Json) : {})
      .filter(isMap)
      .map(({ source, target, uid, gid, mode }): SecretFile => {
        const key = textOf(source);
        return {
          kind,
          id: idOf(kind, key),
          path: pathOf(kind, text(target) ?? key),
          uid: numberOf(`${kind}s.${key}.uid`, uid),
          gid: numberOf(`${kind}s.${key}.gid`, gid),
          mode: mode === undefined ? READABLE : modeOf(`${kind}s.${key}.mode`, mode),
        };
      }),
  );
  if (files.length > 0 && (definition['read_only'] === true || definition['read_only'] === 'true'))
    throw new ArpanetError('invalid', 'secrets and configs are files in the container, which read_only forbids: take one of them out');
  return files;
}

function numberOf(key: string, value: unknown): number {
  const number = Number(value ?? 0);
  if (!Number.isInteger(number) || number < 0) throw new ArpanetError('invalid', `${key} is "${textOf(value)}": it must be a number`);
  return number;
}

/** A number, or a text in octal: `"0400"`. */
function modeOf(key: string, value: unknown): number {
  const mode = typeof value === 'string' ? Number.parseInt(value.replace(/^0o/, ''), 8) : Number(value);
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o7777)
    throw new ArpanetError('invalid', `${key} is "${textOf(value)}": it must be a file mode, as 0440`);
  return mode;
}
