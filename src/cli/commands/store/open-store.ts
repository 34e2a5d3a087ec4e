/** The store that a command names with `--store`, opened without a scheduler. Effects: the store. */
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { storeUrl } from '../../../config/index.ts';
import { environmentName } from '../../../config/options.ts';
import { ArpanetError } from '../../../model/errors.ts';
import { type ConsulAccess, openConsul, openEmbedded, type StateStore } from '../../../store/index.ts';
import { readClusterKeys, readConsulTls } from '../../../security/index.ts';
import { formatHostPort } from '../../../text/host-port.ts';
import type { Environment } from '../../api-client.ts';

/** What a person does after a store was filled. */
export const NEXT_STEPS = 'start the schedulers; the agents join by themselves; then run: arpanet audit';

const quiet = pino({ level: 'silent' });

/** As a scheduler has it, from the environment. */
function consulAccess(env: Environment): ConsulAccess {
  const of = (name: string): string | undefined => env[environmentName(name)] || undefined;
  return {
    token: of('consul-token') ?? tokenIn(of('consul-token-file')),
    tls: readConsulTls({ ca: of('consul-ca'), cert: of('consul-cert'), key: of('consul-key') }),
  };
}

const tokenIn = (file: string | undefined): string | undefined =>
  file === undefined ? undefined : readGiven(environmentName('consul-token-file'), file).trim();

/** The text of a file that a person has named, `-`: of standard input; `by`: where. Throws `invalid`. */
export function readGiven(by: string, file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    throw new ArpanetError('invalid', `${by}: cannot read ${file}${code}`, { cause });
  }
}

/** `url`: consul://HOST:PORT or embedded:DIR. The store is closed when `use` ends. Consul's ACL token, its certificates and the file of the cluster key are in the environment. Throws `invalid` for another address. */
export async function withStore<T>(url: string, env: Environment, use: (store: StateStore) => Promise<T>): Promise<T> {
  const parsed = storeUrl.safeParse(url);
  if (!parsed.success) throw new ArpanetError('invalid', `--store is "${url}": write consul://HOST:PORT or embedded:DIR`);
  const address = parsed.data;
  const file = env[environmentName('cluster-key')] || undefined;
  const cluster = file === undefined ? undefined : readClusterKeys(file);
  if (file !== undefined && cluster === undefined) throw new ArpanetError('invalid', `there is no cluster key ${file}`);
  await using store =
    address.kind === 'consul'
      ? await openConsul(formatHostPort(address), { log: quiet, ...consulAccess(env), cluster })
      : await openEmbedded(address.dir, quiet, cluster && (() => cluster));
  return await use(store);
}
