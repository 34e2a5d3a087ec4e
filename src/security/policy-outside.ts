/** What an Engine does for a container from the host's own network, or to its link, by fields that say it in words of their own (pure). */

/** Drivers of which nothing leaves the host (Docker Engine, logging drivers). */
export const LOCAL_LOG_DRIVERS: readonly string[] = ['json-file', 'local', 'journald', 'none'];

/** Options of these; an Engine reads those of a container that names no driver as options of its own default. */
const LOCAL_LOG_OPTIONS = /^(?:max-size|max-file|compress|mode|max-buffer-size|tag|labels|labels-regex|env|env-regex)$/;

type Fields = Readonly<Record<string, unknown>> | null | undefined;

/** Docker API, `HostConfig.LogConfig`. `allowed`: drivers; an Engine sends what others take from the host's network, to any address or socket. */
export function logProblem(value: unknown, allowed: readonly string[]): string | undefined {
  if (allowed.includes('any')) return undefined;
  const { Type = '', Config } = (value ?? {}) as { readonly Type?: unknown; readonly Config?: Fields };
  if (typeof Type !== 'string' || (Type !== '' && !allowed.includes(Type)))
    return `has the driver ${JSON.stringify(Type)}, and may have ${allowed.length === 0 ? 'none' : allowed.join(', ')}`;
  const option = Type === '' ? Object.keys(Config ?? {}).find((name) => !LOCAL_LOG_OPTIONS.test(name)) : undefined;
  return option === undefined ? undefined : `has the option ${JSON.stringify(option)} of no driver: name the driver`;
}

/** Sysctls of a link, as `net.ipv4.conf.IFNAME.log_martians=1,…` (Docker Engine since 28.0, libnetwork/netlabel). */
const LINK_SYSCTLS = 'com.docker.network.endpoint.sysctls';

/** Docker API, `EndpointSettings`. `allowed`: names of sysctls. */
export function linkProblem(endpoint: Fields, allowed: readonly string[]): string | undefined {
  const text = (endpoint?.['DriverOpts'] as Fields)?.[LINK_SYSCTLS];
  if (allowed.includes('any') || typeof text !== 'string' || text === '') return undefined;
  const names = text.split(',');
  const other = names.map((one) => one.split('=', 1)[0]?.trim() ?? '').find((name) => !allowed.includes(name));
  return other === undefined
    ? undefined
    : `has the sysctl ${JSON.stringify(other)}, and may have ${allowed.length === 0 ? 'none' : allowed.join(', ')}`;
}

/** Of the body of `POST /networks/{id}/connect`. */
export function refuseConnect({ sysctls }: { readonly sysctls: readonly string[] }, endpoint: unknown): string | undefined {
  const problem = linkProblem(endpoint as Fields, sysctls);
  return problem === undefined ? undefined : `EndpointConfig ${problem}`;
}
