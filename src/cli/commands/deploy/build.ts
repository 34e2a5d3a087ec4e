/** Builds an image of a deploy on the cluster's builder, by BuildKit. Effects: files, HTTP requests. */
import { randomUUID } from 'node:crypto';
import type { Build } from '../../../compose/index.ts';
import { createBuildProgress } from '../../../engine/build-progress.ts';
import { serveSession, sessionHeaders } from '../../../engine/build-session.ts';
import { lines } from '../../../engine/lines.ts';
import { ArpanetError } from '../../../model/errors.ts';
import { parseJson } from '../../../schemas/index.ts';
import type { ApiClient } from '../../api-client.ts';
import { openContext } from './build-context.ts';
import { credentialsFor } from './credentials.ts';
import type { Job } from './job.ts';
import { contentOf } from './stored-content.ts';

/** Docker API: what `version` is for BuildKit in `POST /build`. */
const BUILDKIT = '2';

/** Throws `invalid` for files that do not exist, `conflict` with the builder's reason when it fails. */
export async function buildImage(api: ApiClient, build: Build, { folder, variables }: Job, say: (line: string) => void): Promise<void> {
  const { service, image, query } = build;
  const secrets = [...build.secrets].map(
    ([id, { key, source }]) => [id, contentOf({ kind: 'secret', key, source }, folder, variables)] as const,
  );
  const files = 'folder' in build.context ? await openContext(build.context.folder, build.dockerfile) : undefined;
  const remote = 'remote' in build.context ? build.context.remote : undefined;
  const dockerfile = files?.dockerfile ?? ('path' in build.dockerfile ? build.dockerfile.path : '');
  say(`${service}: building ${image}`);
  const id = randomUUID();
  const socket = await api.upgrade('/session', 'h2c', sessionHeaders(id));
  const session = await serveSession(id, socket, { secrets: new Map(secrets), credentials: (host) => credentialsFor(host, variables) });
  try {
    const all = new URLSearchParams([
      ...query.map(([name, value]): [string, string] => [name, value]),
      ['dockerfile', dockerfile],
      ['version', BUILDKIT],
      ['session', id],
      ...(remote === undefined ? [] : [['remote', remote] as [string, string]]),
    ]);
    const answer = await api.open(`/build?${all.toString()}`, new AbortController().signal, {
      method: 'POST',
      ...(files === undefined ? {} : { body: files.archive, headers: { 'Content-Type': 'application/x-tar' } }),
    });
    const failure = await shown(answer, (line) => say(`${service}: ${line}`));
    if (failure !== undefined) throw new ArpanetError('conflict', `${service}: cannot build ${image}: ${failure}`);
  } finally {
    session.end();
    files?.archive.destroy();
  }
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
