/** `arpanet context`. Effects: the docker command (it keeps its contexts below ~/.docker), the terminal. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ArpanetError } from '../../../model/errors.ts';
import { apiClient, type EndpointFlags } from '../../api-client.ts';
import type { Terminal } from '../../command.ts';

export interface ContextFlags extends EndpointFlags {
  readonly use?: boolean;
}

/** Throws `unavailable` without a docker command, `invalid` with docker's words for a name that it refuses. */
export async function makeContext(name = 'arpanet', flags: ContextFlags, { env, say }: Terminal): Promise<void> {
  const { url, tls } = apiClient(flags, env).reached;
  // A DOCKER_HOST in the environment would hide what the command says of contexts.
  const { DOCKER_HOST: hidden, DOCKER_CONTEXT: _other, ...quiet } = env;
  const docker = async (...args: readonly string[]): Promise<void> => {
    try {
      await promisify(execFile)('docker', args, { env: quiet });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        throw new ArpanetError('unavailable', 'there is no docker command on this machine: install docker’s command line');
      throw new ArpanetError('invalid', `docker ${args.join(' ')}: ${String((error as { stderr?: unknown }).stderr).trim()}`);
    }
  };
  const known = await docker('context', 'inspect', name).then(
    () => true,
    () => false,
  );
  const files = (['ca', 'cert', 'key'] as const).flatMap((file) => (tls?.[file] === undefined ? [] : [`${file}=${tls[file]}`]));
  const said = [`host=${url}`, ...files, ...(tls?.isVerified === false ? ['skip-tls-verify=true'] : [])].join(',');
  await docker('context', known ? 'update' : 'create', name, '--docker', said, '--description', 'a cluster of arpanet');
  if (flags.use === true) await docker('context', 'use', name);
  const next = flags.use === true ? 'docker ps' : `docker --context ${name} ps   (or: docker context use ${name})`;
  say(`context ${name} ${known ? 'updated' : 'made'}: ${url}; next: ${next}`);
  if (hidden !== undefined) say('DOCKER_HOST is set, and docker takes it before any context: unset it');
}
