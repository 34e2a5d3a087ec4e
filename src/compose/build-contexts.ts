/**
 * `build.additional_contexts` -> stages before those of the Dockerfile. An Engine's `POST /build` takes one context; a stage of a context's name is what
 * `FROM NAME`, `COPY --from=NAME` and `RUN --mount=from=NAME` mean then (docker/buildx docs: "build-contexts"). Pure.
 */
import { ArpanetError, type Json } from '../model/index.ts';
import { isMap } from './normalize.ts';
import { absolutePath, textOf } from './values.ts';

/** What a context is made of. */
export type ExtraContext = { readonly folder: string } | { readonly image: string } | { readonly service: string };

/** By their names. */
export type ExtraContexts = ReadonlyMap<string, ExtraContext>;

const STAGE = /^[a-zA-Z][a-zA-Z0-9_.-]*$/;
/** Paths are `./here`, `../there`, `/there`, `~`, or a word: what begins otherwise names a kind. */
const SCHEME = /^([a-z][a-z0-9+-]*):(?:\/\/)?(.+)$/;

export interface ContextPlace {
  readonly folder: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** Throws `invalid` for a kind of context that an Engine's builder cannot be given, and for a name that is no stage's. */
export function extraContextsOf(build: Json, place: ContextPlace): ExtraContexts {
  const asked = build['additional_contexts'];
  return new Map(Object.entries(isMap(asked) ? asked : {}).map(([name, value]) => [name, contextOf(name, textOf(value ?? ''), place)]));
}

function contextOf(name: string, value: string, { folder, variables }: ContextPlace): ExtraContext {
  const refuse = (why: string) => new ArpanetError('invalid', `build.additional_contexts: "${name}": ${why}`);
  if (!STAGE.test(name))
    throw refuse('it becomes a stage of the Dockerfile, whose name is of letters, digits, -, _ and ., and begins with a letter');
  if (value === '') throw refuse('it has no value: give a folder, docker-image://IMAGE or service:SERVICE');
  const [, scheme, rest = ''] = SCHEME.exec(value) ?? [];
  if (scheme === 'docker-image') return { image: rest };
  if (scheme === 'service') return { service: rest };
  if (scheme !== undefined || value.startsWith('git@'))
    throw refuse(`"${value}" is neither a folder, nor docker-image://IMAGE, nor service:SERVICE: clone or fetch it first`);
  return { folder: absolutePath(folder, value, variables['HOME']) };
}

/** The Dockerfile with these stages before its own: behind its global arguments, which later stages need. `images`: of each context, in order. */
export function withStages(dockerfile: string, images: readonly (readonly [name: string, image: string])[]): string {
  const lines = dockerfile.split('\n');
  const first = lines.findIndex((line, index) => /^\s*FROM\s/i.test(line) && !/\\\s*$/.test(lines[index - 1] ?? ''));
  if (first < 0) return dockerfile;
  return [...lines.slice(0, first), ...images.map(([name, image]) => `FROM ${image} AS ${name}`), ...lines.slice(first)].join('\n');
}
