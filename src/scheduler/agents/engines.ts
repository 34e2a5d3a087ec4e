/** The ways to the hosts' Engines: one pool of tunnels for each gateway, closed when leadership ends. Effects: sockets. */
import type * as contracts from '../../contracts/index.ts';
import { createEngineAgent, type EngineAgent, type EngineCall, engineJson, engineRequest } from '../../engine/index.ts';
import { ArpanetError, type HostView } from '../../model/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import { requestHeaders, requestNow, traced } from '../../telemetry/request-scope.ts';
import { inBackground } from '../../telemetry/faults.ts';
import { olderVersion } from '../../text/api-version.ts';
import type { HostCertificates } from '../deps.ts';
import { endWithHost, reachOf } from './left-streams.ts';

export interface EnginesDeps {
  readonly token: string;
  readonly epoch: number;
  readonly certificates: Pick<HostCertificates, 'dial'>;
  readonly log: Logger;
  readonly host: (name: string) => HostView | undefined;
}

export interface Engines extends contracts.Engines {
  /** Answer's JSON; throws `engine` with the Engine's own status and words. */
  readonly json: <T>(host: string, call: EngineCall) => Promise<T>;
  /** The status alone, whatever it is. */
  readonly status: (host: string, call: EngineCall) => Promise<number>;
  /** Ends every request, stream and upload that is under way there, for this reason; the next one connects again. */
  readonly cut: (host: string, why: string) => void;
  /** The newest API version that the host's Engine speaks, but no newer than the client's: `/v1.41`. */
  readonly versionPath: (host: string, clientVersion?: string) => string;
}

/** `host h2 is down: no heartbeat for 10 s or more`. */
export const stateOf = ({ name, state, why }: Pick<HostView, 'name' | 'state' | 'why'>): string =>
  `host ${name} is ${state}${why ? `: ${why}` : ''}`;

/** Without version, ids and names: few names of spans. */
const pathShape = (path: string): string => path.replace(/^\/v[\d.]+/, '').replace(/^(\/\w+\/)(?!create$|json$)[^/]+/, '$1{id}');

export function createEngines(deps: EnginesDeps, lost: AbortSignal): Engines {
  const agents = new Map<string, { readonly gateway: string; readonly hasTls: boolean | undefined; readonly agent: EngineAgent }>();

  function agentFor(host: string, { gateway, hasTls }: HostView['record']): EngineAgent {
    const had = agents.get(host);
    if (had?.gateway === gateway && had.hasTls === hasTls) return had.agent;
    if (had !== undefined) leave(host, had);
    const tls = hasTls === true ? () => deps.certificates.dial(host) : undefined;
    const agent = createEngineAgent({ gateway, token: deps.token, epoch: deps.epoch, tls, log: deps.log });
    agents.set(host, { gateway, hasTls, agent });
    return agent;
  }

  function leave(host: string, { gateway, agent }: { readonly gateway: string; readonly agent: EngineAgent }): void {
    agent.destroy();
    inBackground(deps.log, 'watching the streams that go on', endWithHost(host, agent, reachOf(gateway)));
  }

  lost.addEventListener('abort', () => {
    for (const [host, one] of agents) leave(host, one);
    agents.clear();
  });

  function agentOf(name: string): EngineAgent {
    const host = deps.host(name);
    if (lost.aborted) throw new ArpanetError('unavailable', 'this scheduler no longer leads');
    if (host === undefined) throw new ArpanetError('not-found', `No such host: ${name}`);
    if (host.state !== 'alive') throw new ArpanetError('unavailable', stateOf(host));
    return agentFor(name, host.record);
  }

  /** Tunnels cut because the leadership ended are no fault of the Engine. */
  function ended(error: unknown): never {
    if (lost.aborted) throw new ArpanetError('unavailable', 'this scheduler no longer leads', { cause: error });
    throw error;
  }

  /** With the id of the request that it is for; Engines since 25 continue its trace. */
  async function asked<T>(host: string, call: EngineCall, act: (marked: EngineCall) => Promise<T>): Promise<T> {
    const requestId = requestNow();
    if (requestId === undefined) return await act(call);
    const [path = ''] = call.path.split('?', 1);
    const sinceMs = performance.now();
    return await traced(`engine ${call.method} ${pathShape(path)}`, { 'arpanet.host': host }, async () => {
      try {
        return await act({ ...call, headers: { ...requestHeaders(), ...call.headers } });
      } finally {
        deps.log.debug({ requestId, host, method: call.method, path, ms: Math.round(performance.now() - sinceMs) }, 'asked an Engine');
      }
    });
  }

  return {
    endpoint(host) {
      const agent = agentOf(host);
      return { agent, dial: (signal) => agent.dial(signal) };
    },
    openPort: async (host, to, signal) => agentOf(host).dial(signal, to),
    async json<T>(host: string, call: EngineCall): Promise<T> {
      return await asked(host, call, async (marked) => await engineJson<T>({ agent: agentOf(host) }, marked).catch(ended));
    },
    async status(host, call) {
      return await asked(host, call, async (marked) => (await engineRequest({ agent: agentOf(host) }, marked).catch(ended)).status);
    },
    cut(host, why) {
      agents.get(host)?.agent.cut(new ArpanetError('unavailable', why));
      agents.delete(host);
    },
    versionPath(host, clientVersion) {
      const speaks = deps.host(host)?.facts?.apiVersion;
      const version = olderVersion(clientVersion, speaks);
      return version === undefined ? '' : `/v${version}`;
    },
  };
}
