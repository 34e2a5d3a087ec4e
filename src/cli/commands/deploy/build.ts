/** Builds an image of a deploy on the cluster's builder, by BuildKit. Effects: files, HTTP requests. */
import { randomUUID } from 'node:crypto';
import { type Build, type StoredObject, withStages } from '../../../compose/index.ts';
import { createBuildProgress } from '../../../engine/build-progress.ts';
import { serveSession, sessionHeaders } from '../../../engine/build-session.ts';
import { lines } from '../../../engine/lines.ts';
import { ArpanetError } from '../../../model/errors.ts';
import { parseJson } from '../../../schemas/json.ts';
import type { ApiClient } from '../../api-client.ts';
import { type BuildContext, openContext } from './build-context.ts';
import { credentialsFor } from './credentials.ts';
import type { Environment, How } from '../../../deployments/index.ts';

/** Docker API: what `version` is for BuildKit in `POST /build`. */
const BUILDKIT = '2';

type Query = readonly (readonly [name: string, value: string])[];

/** What a build takes from this machine. */
export interface BuildFrom {
  /** Of a secret that the files define. Throws `invalid` for one that does not exist. */
  readonly content: (of: Pick<StoredObject, 'kind' | 'key' | 'source'>) => Buffer;
  readonly variables: Environment;
}

/** Throws `invalid` for files that do not exist, `conflict` with the builder's reason when it fails. */
export async function buildImage(api: ApiClient, build: Build, { content, variables }: BuildFrom, { say, signal }: How): Promise<void> {
  const { service, image } = build;
  const secrets = [...build.secrets].map(([id, { key, source }]) => [id, content({ kind: 'secret', key, source })] as const);
  const lent: string[] = [];
  say(`${service}: building ${image}`);
  const id = randomUUID();
  const socket = await api.upgrade('/session', 'h2c', sessionHeaders(id));
  const session = await serveSession(id, socket, { secrets: new Map(secrets), credentials: (host) => credentialsFor(host, variables) });
  // Builds of one session are made by one host: the next one finds what the first one made.
  const run = async (query: Query, files: BuildContext | undefined, what: string): Promise<void> => {
    const answer = await api.open(`/build?${queryWith(query, id)}`, signal, {
      method: 'POST',
      ...(files === undefined ? {} : { body: files.archive, headers: { 'Content-Type': 'application/x-tar' } }),
    });
    const failure = await shown(answer, (line) => say(`${service}: ${line}`));
    files?.archive.destroy();
    if (failure !== undefined) throw new ArpanetError('conflict', `${service}: cannot build ${what}: ${failure}`);
  };
  try {
    const stages: (readonly [string, string])[] = [];
    for (const [name, context] of build.contexts) {
      if ('folder' in context) {
        const tag = `arpanet-context:${randomUUID()}`;
        const files = await openContext(context.folder, { text: 'FROM scratch\nCOPY files/ /\n' }, { below: 'files' });
        lent.push(tag);
        await run(
          [...build.query.filter(([key]) => key === 'platform'), ['t', tag], ['dockerfile', files.dockerfile]],
          files,
          `context ${name}`,
        );
        stages.push([name, tag]);
      } else stages.push([name, context.image]);
    }
    const files = await filesOf(build, stages);
    const remote: Query = 'remote' in build.context ? [['remote', build.context.remote]] : [];
    const dockerfile = files?.dockerfile ?? ('path' in build.dockerfile ? build.dockerfile.path : '');
    await run([...build.query, ['dockerfile', dockerfile], ...remote], files, image);
  } finally {
    session.end();
    for (const tag of lent) await api.json(`/images/${encodeURIComponent(tag)}`, { method: 'DELETE' }).catch(() => undefined);
  }
}

const queryWith = (query: Query, session: string): string =>
  new URLSearchParams([
    ...query.map(([name, value]): [string, string] => [name, value]),
    ['version', BUILDKIT],
    ['session', session],
  ]).toString();

async function filesOf({ context, dockerfile }: Build, stages: readonly (readonly [string, string])[]): Promise<BuildContext | undefined> {
  if (!('folder' in context)) return undefined;
  return openContext(context.folder, dockerfile, stages.length === 0 ? {} : { edit: (text) => withStages(text, stages) });
}

/** What the builder says went wrong; undefined: nothing did. */
async function shown(chunks: AsyncIterable<unknown>, say: (line: string) => void): Promise<string | undefined> {
  const progress = createBuildProgress();
  let failure: string | undefined;
  for await (const line of lines(chunks)) {
    const message = parseJson(line);
    for (const text of progress.linesOf(message)) say(text);
    const { error } = message as { readonly error?: unknown };
    if (typeof error === 'string') failure = error;
  }
  return failure;
}
