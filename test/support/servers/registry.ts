/** A real registry with a password (Debian's docker-registry), on an address that the lab's hosts reach. */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, openSync, closeSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endProcess, until } from '../cluster/cluster.ts';
import { freePort } from '../cluster/free-ports.ts';
import { spawnMortal } from '../cluster/mortal.ts';

export interface Registry extends AsyncDisposable {
  /** `10.77.1.1:40123`. */
  readonly name: string;
  readonly user: string;
  readonly password: string;
  /** For `X-Registry-Auth`. */
  readonly auth: string;
}

const USER = 'ali';
const PASSWORD = 'open-sesame';
/** bcrypt, cost 4, of the password. */
const HTPASSWD = `${USER}:$2b$04$YGVmKrAlk1y1PSHDYJRLNOX0rlh2PQowf/Uxeuvehfvo3ogKHP1sK\n`;

export async function startRegistry(address: string, dir: string): Promise<Registry> {
  const data = join(dir, 'registry');
  mkdirSync(data, { recursive: true });
  const name = `${address}:${await freePort(address)}`;
  writeFileSync(join(data, 'htpasswd'), HTPASSWD);
  const config = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: join(data, 'blobs') }, delete: { enabled: true } },
    http: { addr: name },
    auth: { htpasswd: { realm: 'lab', path: join(data, 'htpasswd') } },
  };
  writeFileSync(join(data, 'config.yml'), JSON.stringify(config));
  const log = openSync(join(dir, 'registry.log'), 'a');
  const registry: ChildProcess = spawnMortal('docker-registry', ['serve', join(data, 'config.yml')], { stdio: ['ignore', log, log] });
  closeSync(log);
  await until('the registry asks for a password', async () => (await fetch(`http://${name}/v2/`)).status === 401);
  const auth = Buffer.from(JSON.stringify({ username: USER, password: PASSWORD, serveraddress: name }))
    .toString('base64')
    .replaceAll('+', '-')
    .replaceAll('/', '_');
  return { name, user: USER, password: PASSWORD, auth, [Symbol.asyncDispose]: () => endProcess(registry) };
}
