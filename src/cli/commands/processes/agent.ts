/** `arpanet agent`: its settings, read; what it does is processes/agent. Effects: those of the agent that it runs. */
import type { ConfigOf } from '../../../config/schemas.ts';
import { VERSION } from '../../../config/version.ts';
import type { AgentOptions } from '../../../hostagent/index.ts';
import { ArpanetError } from '../../../model/errors.ts';
import { runAgent } from '../../../processes/agent.ts';
import { catchFaults } from '../../../processes/fault-net.ts';
import { openLog } from '../../../processes/logger.ts';
import { serviceManager } from '../../../processes/service/manager.ts';
import { reloadOnHangup } from '../../../processes/service/on-reload.ts';
import type { Terminal } from '../../command.ts';
import { type Flags, settingsOf } from '../../configured-command.ts';
import { endSignal } from './end-signal.ts';
import { formatHostPort } from '../../../text/host-port.ts';

/** Port of the engine gateway, unless `--listen` says another. */
const GATEWAY_PORT = 2376;

/** Throws `invalid` without a join token. */
export async function agent(flags: Flags, { env }: Terminal): Promise<void> {
  const config = await settingsOf('agent', flags, env);
  if (config.joinToken === undefined) {
    throw new ArpanetError(
      'invalid',
      'an agent needs the join token: ARPANET_JOIN_TOKEN, or --token-file; "arpanet token" on a scheduler prints it',
    );
  }
  const listen = config.listen ?? { host: config.address, port: GATEWAY_PORT };
  const logging = openLog(config.logLevel);
  catchFaults(logging.log, (code) => process.exit(code));
  const { engine } = config;
  const manager = serviceManager(env, logging.log);
  const signal = endSignal();
  signal.addEventListener('abort', manager.stopping, { once: true });
  if (flags['config'] !== undefined) {
    const reloaded = {
      running: config,
      read: async () => await settingsOf('agent', flags, env),
      live: ['logLevel'],
      take: (next: typeof config) => logging.setOwnLevel(next.logLevel),
    };
    reloadOnHangup(reloaded, logging.log, manager);
  }
  await runAgent(
    {
      name: config.name,
      address: config.address,
      listen: formatHostPort(listen),
      join: config.join,
      token: config.joinToken,
      engine: 'socketPath' in engine ? `unix://${engine.socketPath}` : `tcp://${formatHostPort(engine)}`,
      labels: config.label,
      overlay: config.overlay,
      ...httpOf(config),
      dataDir: config.data,
      version: VERSION,
      dnsUpstream: config.dnsUpstream.map(formatHostPort),
      consulDns: config.consulDns === undefined ? undefined : formatHostPort(config.consulDns),
    },
    logging,
    signal,
    () => manager.ready(`serves the Engine's gateway at ${formatHostPort(listen)}`),
  );
}

/** Throws `invalid` for TLS without certificates, and certificates without TLS. */
function httpOf({ http, https, httpCerts }: ConfigOf<'agent'>): { readonly http?: AgentOptions['http'] & object } {
  if ((https === undefined) !== (httpCerts === undefined))
    throw new ArpanetError('invalid', '--https needs the certificates of --http-certs, and --http-certs a port: give both, or neither');
  return http === undefined && https === undefined ? {} : { http: { port: http, tlsPort: https, certificates: httpCerts } };
}
