/** What `docker login` has kept for registries. Effects: reads Docker's config file, runs its credential helpers. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ArpanetError } from '../../../model/errors.ts';
import { loginServer, registryOf } from '../../../text/image-reference.ts';
import type { Environment } from '../../api-client.ts';

export interface Credentials {
  readonly username: string;
  /** A token that stands for the person where `username` is `<token>`. */
  readonly secret: string;
}

interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

/** For a registry's host, `registry:5000`; undefined: nobody has logged in there. Throws `invalid` for a helper that fails otherwise. */
export async function credentialsFor(host: string, env: Environment): Promise<Credentials | undefined> {
  const config = configOf(env);
  const key = loginServer(host);
  const helper = config.credHelpers?.[key] ?? config.credHelpers?.[host] ?? config.credsStore;
  if (helper !== undefined) return askedOf(helper, key, env);
  const plain = (name: string) => name.replace(/^https?:\/\//, '').split('/')[0];
  const [, found] = Object.entries(config.auths ?? {}).find(([name]) => name === key || (key === host && plain(name) === host)) ?? [];
  if (found?.identitytoken) return { username: '<token>', secret: found.identitytoken };
  const [, username, secret] =
    /^([^:]*):(.*)$/s.exec(
      Buffer.from(found?.auth ?? '', 'base64')
        .toString()
        .replace(/\0+$/, ''),
    ) ?? [];
  return username === undefined || secret === undefined ? undefined : { username, secret };
}

/** `X-Registry-Auth` for the registry of an image. Source: Docker API, authentication. */
export async function registryAuth(image: string, env: Environment): Promise<Readonly<Record<string, string>>> {
  const host = registryOf(image);
  const found = await credentialsFor(host, env);
  if (found === undefined) return {};
  const { username, secret } = found;
  const auth = username === '<token>' ? { identitytoken: secret } : { username, password: secret };
  return { 'X-Registry-Auth': Buffer.from(JSON.stringify({ ...auth, serveraddress: loginServer(host) })).toString('base64url') };
}

/** Nothing where there is no file, or none that can be read. */
function configOf(env: Environment): DockerConfig {
  const folder = env['DOCKER_CONFIG'] ?? join(env['HOME'] ?? '/root', '.docker');
  try {
    return JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as DockerConfig;
  } catch {
    return {};
  }
}

/** Source: docker/docker-credential-helpers: `get` reads a server's address, and answers JSON or says that it has none. */
async function askedOf(helper: string, server: string, env: Environment): Promise<Credentials | undefined> {
  const program = `docker-credential-${helper}`;
  const child = spawn(program, ['get'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  child.stdin.on('error', () => undefined).end(server);
  try {
    const [code, said] = await Promise.all([ended, text(child.stdout)]);
    if (code !== 0 && said.includes('credentials not found')) return undefined;
    const { Username, Secret } = JSON.parse(said) as { readonly Username: string; readonly Secret: string };
    return { username: Username, secret: Secret };
  } catch (cause) {
    throw new ArpanetError('invalid', `${program}, which Docker's config file names, gives no credentials for ${server}`, { cause });
  }
}
