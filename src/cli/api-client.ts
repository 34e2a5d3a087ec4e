/** What commands that ask a cluster have in common: their flags, their endpoint, their words when nobody answers. Effects: HTTP requests. */
import type { IncomingMessage } from 'node:http';
import type { Command } from 'commander';
import { engineError, engineOpen, engineRequest, engineTarget, lines } from '../engine/index.ts';
import { ArpanetError, isKind } from '../model/index.ts';
import { httpEndpoint } from './commands/cluster/status.ts';

export interface AskingFlags {
  readonly endpoint?: string;
  readonly json?: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Terminal {
  readonly env: Environment;
  readonly out: (text: string) => void;
  /** A line for the person, on standard error. */
  readonly say: (line: string) => void;
  /** Standard output is a terminal: colours may be used. */
  readonly isTerminal: boolean;
}

/** Any scheduler: the Docker API and `/arpanet/v1`. Errors carry the cluster's own words. */
export interface Endpoint {
  /** `http://HOST:PORT`. */
  readonly url: string;
  json<T>(path: string, call?: { readonly method?: string; readonly body?: unknown }): Promise<T>;
  open(path: string, signal: AbortSignal, method?: string): Promise<IncomingMessage>;
  /** A stream of JSON, a line each. */
  feed<T>(path: string, signal: AbortSignal, method?: string): AsyncGenerator<T, void>;
}

export function askingCommand(parent: Command, words: string, summary: string, examples: readonly string[]): Command {
  return parent
    .command(words)
    .description(summary)
    .option('--endpoint <ADDRESS>', 'tcp://HOST:PORT of any scheduler (env ARPANET_ENDPOINT, else DOCKER_HOST)')
    .option('--json', 'print JSON')
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`)
    .exitOverride();
}

export function endpointOf(flags: AskingFlags, env: Environment): Endpoint {
  const base = httpEndpoint(flags.endpoint ?? env['ARPANET_ENDPOINT'] ?? env['DOCKER_HOST'] ?? 'tcp://127.0.0.1:2375');
  const target = engineTarget(base);
  const nobody = (cause: unknown): never => {
    if (!isKind(cause, 'unavailable', 'timeout')) throw cause;
    throw new ArpanetError(
      'unavailable',
      `no scheduler answers at ${base}: is one running there? (arpanet up, or arpanet scheduler --listen …)`,
      { cause },
    );
  };
  const open = async (path: string, signal: AbortSignal, method = 'GET') => {
    const answer = await engineOpen(target, { method, path, signal }).catch(nobody);
    if ((answer.statusCode ?? 0) < 400) return answer;
    let text = '';
    for await (const chunk of answer) text += String(chunk);
    throw engineError(answer.statusCode ?? 0, text);
  };
  return {
    url: base,
    async json<T>(path: string, call: { readonly method?: string; readonly body?: unknown } = {}): Promise<T> {
      const answer = await engineRequest(target, { method: call.method ?? 'GET', path, body: call.body }).catch(nobody);
      const text = answer.body.toString();
      if (answer.status >= 400) throw engineError(answer.status, text);
      return (text === '' ? undefined : JSON.parse(text)) as T;
    },
    open,
    async *feed<T>(path: string, signal: AbortSignal, method = 'GET') {
      for await (const line of lines(await open(path, signal, method))) yield JSON.parse(line) as T;
    },
  };
}
