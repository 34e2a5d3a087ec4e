/** One request to several Engines, their answers made one. */
import { type EngineAnswer, engineError } from '../../engine/index.ts';
import { ArpanetError } from '../../model/index.ts';
import { whileAlive } from './answer-watchdog.ts';
import { type Exchange, warningHeader } from '../request-context.ts';
import { askHost } from '../containers/mutate.ts';

export interface HostAnswer {
  readonly host: string;
  readonly answer: EngineAnswer;
}

export function aliveHosts(call: Exchange): readonly string[] {
  const alive = call.cluster.hosts.list().flatMap((host) => (host.state === 'alive' ? [host.name] : []));
  if (alive.length === 0) throw new ArpanetError('unavailable', 'no host is alive');
  return alive;
}

/** Asks all at once. A host that does not answer is left out, logged and named in a warning; if none does, the first one's error is thrown. */
export async function askAll(call: Exchange, hosts: readonly string[], path: string): Promise<readonly HostAnswer[]> {
  const settled = await Promise.allSettled(
    hosts.map(async (host) => {
      const { agent } = call.cluster.engines.endpoint(host);
      const answer = await whileAlive(agent, (signal) => askHost(call, host, path, undefined, call.route.method, signal));
      return { host, answer };
    }),
  );
  const answers: HostAnswer[] = [];
  const silent: string[] = [];
  let failed: unknown;
  for (const [i, one] of settled.entries()) {
    if (one.status === 'fulfilled') answers.push(one.value);
    else {
      failed ??= one.reason;
      silent.push(`host ${hosts[i] ?? ''}: ${one.reason instanceof Error ? one.reason.message : 'no answer'}`);
      call.log.warn({ err: one.reason, requestId: call.requestId }, 'a host did not answer a request to all hosts');
    }
  }
  if (answers.length === 0) throw failed;
  if (silent.length > 0 && !call.res.headersSent) call.res.setHeader('Warning', warningHeader(silent));
  return answers;
}

/** The JSON of those that did it. If none did, the first refusal is thrown as the Engine said it. */
export function succeeded(answers: readonly HostAnswer[]): readonly { readonly host: string; readonly value: unknown }[] {
  const done = answers.filter(({ answer }) => answer.status < 400);
  const [refused] = answers;
  if (done.length === 0 && refused !== undefined) throw engineError(refused.answer.status, refused.answer.body.toString());
  return done.map(({ host, answer }) => ({ host, value: JSON.parse(answer.body.toString()) as unknown }));
}
