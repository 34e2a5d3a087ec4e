/** The commands that ask a running cluster: token, hosts, status, audit. Effects: one HTTP request each, and the terminal. */
import { ArpanetError } from '../../../model/index.ts';
import { type AuditReport, auditText, type HostReport, type StatusReport, statusText } from '../../../operator-api/index.ts';

export interface ClientOptions {
  /** `http://HOST:PORT`. */
  readonly endpoint: string;
  readonly json: boolean;
  readonly write: (text: string) => void;
}

const COMMANDS = {
  token: { path: 'token', text: (answer: unknown) => (answer as { token: string }).token },
  status: { path: 'status', text: (answer: unknown) => statusText(answer as StatusReport) },
} as const;

export type ClientCommand = keyof typeof COMMANDS;

/** False: something is off. */
export async function ask(command: ClientCommand, options: ClientOptions): Promise<boolean> {
  const { path, text } = COMMANDS[command];
  const answer = await get(options.endpoint, `/arpanet/v1/${path}`);
  options.write(`${options.json ? JSON.stringify(answer, undefined, 2) : text(answer)}\n`);
  return command !== 'status' || (answer as StatusReport).warnings.length === 0;
}

export async function hostList(endpoint: string): Promise<readonly HostReport[]> {
  return (await get(endpoint, '/arpanet/v1/hosts')) as readonly HostReport[];
}

/** Prints the audit; true when nothing differs (any more). */
export async function askAudit({ endpoint, json, write }: ClientOptions, fix: boolean): Promise<boolean> {
  const path = fix ? '/arpanet/v1/audit/fix' : '/arpanet/v1/audit';
  const report = (await get(endpoint, path, fix ? 'POST' : 'GET')) as AuditReport;
  write(`${json ? JSON.stringify(report, undefined, 2) : auditText(report)}\n`);
  return report.findings.length === 0;
}

/** `tcp://h:p`, `http://h:p` or `h:p` as `http://h:p`. Throws `invalid`. */
export function httpEndpoint(endpoint: string): string {
  const match = /^(?:(?:tcp|http):\/\/)?([^/]+:\d+)\/?$/.exec(endpoint);
  if (match === null) {
    throw new ArpanetError(
      'invalid',
      `cannot reach a cluster at "${endpoint}": give tcp://HOST:PORT by --endpoint, ARPANET_ENDPOINT or DOCKER_HOST`,
    );
  }
  return `http://${match[1]}`;
}

async function get(endpoint: string, path: string, method = 'GET'): Promise<unknown> {
  const response = await fetch(endpoint + path, { method, signal: AbortSignal.timeout(method === 'GET' ? 15_000 : 60_000) }).catch(
    (cause: unknown) => {
      throw new ArpanetError(
        'unavailable',
        `no scheduler answers at ${endpoint}: is one running there? (arpanet up, or arpanet scheduler --listen …)`,
        { cause },
      );
    },
  );
  const text = await response.text();
  if (!response.ok) {
    const message = (safeParse(text) as { message?: string } | undefined)?.message ?? text;
    throw new ArpanetError(
      'unavailable',
      response.status === 404 ? `${endpoint} is a Docker Engine, not an arpanet scheduler: ${message}` : message,
    );
  }
  return safeParse(text);
}

function safeParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
