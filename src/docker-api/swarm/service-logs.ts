/** Logs of all instances of a service in one stream, each line with the details that the docker CLI makes its prefix from. */
import { setMaxListeners } from 'node:events';
import { engineOpen } from '../../engine/index.ts';
import type { ContainerView, ServiceView } from '../../model/index.ts';
import { type Exchange, ownHeaders } from '../request-context.ts';
import { boolValue } from '../json/go-values.ts';
import { ids } from './ids.ts';
import { serviceAt, taskAt } from './services.ts';

export async function serviceLogs(call: Exchange): Promise<void> {
  const view = serviceAt(call, call.params['id'] ?? '');
  await logsOf(call, view, view.instances);
}

export async function taskLogs(call: Exchange): Promise<void> {
  const { task, view } = taskAt(call, call.params['id'] ?? '');
  const id = task.Status.ContainerStatus?.ContainerID;
  await logsOf(
    call,
    view,
    view.instances.filter((container) => container.id === id),
  );
}

async function logsOf(call: Exchange, view: ServiceView, containers: readonly ContainerView[]): Promise<void> {
  const query = new URLSearchParams(call.query);
  const withDetails = boolValue(query.get('details'));
  const withTimes = boolValue(query.get('timestamps'));
  query.delete('details');
  setMaxListeners(0, call.signal);
  call.res.writeHead(200, { ...ownHeaders(call.apiVersion, call.requestId), 'Content-Type': 'application/vnd.docker.multiplexed-stream' });
  call.res.flushHeaders();
  await Promise.all(
    containers.map(async (container) => {
      const details = withDetails ? detailsOf(view, container) : '';
      try {
        for await (const { stream, line } of linesOf(call, container, query.toString())) {
          const cut = withTimes ? line.indexOf(' ') + 1 : 0;
          const payload = Buffer.from(`${line.slice(0, cut)}${details}${line.slice(cut)}\n`);
          const head = Buffer.alloc(8);
          head[0] = stream;
          head.writeUInt32BE(payload.length, 4);
          call.res.write(Buffer.concat([head, payload]));
        }
      } catch (error) {
        if (!call.signal.aborted) call.log.debug({ container: container.name, err: error }, 'logs of an instance ended early');
      }
    }),
  );
  call.res.end();
}

const detailsOf = (view: ServiceView, container: ContainerView): string =>
  [
    `com.docker.swarm.node.id=${ids.node(container.host)}`,
    `com.docker.swarm.service.id=${ids.service(view.deployment, view.service)}`,
    `com.docker.swarm.task.id=${ids.task(container.id)} `,
  ].join(',');

interface Line {
  /** 1: standard output, 2: standard error. */
  readonly stream: number;
  readonly line: string;
}

async function* linesOf(call: Exchange, container: ContainerView, query: string): AsyncGenerator<Line> {
  if (container.hostState !== 'alive') return;
  const { agent } = call.cluster.engines.endpoint(container.host);
  const path = `/containers/${container.id}/logs?${query}`;
  const answer = await engineOpen({ agent }, { method: 'GET', path, signal: call.signal });
  if (answer.statusCode !== 200) {
    answer.resume();
    return;
  }
  const isTty = container.facts.inspect.Config['Tty'] === true;
  const open = new Map<number, string>();
  let rest: Buffer = Buffer.alloc(0);
  const split = function* (stream: number, text: string): Generator<Line> {
    const lines = ((open.get(stream) ?? '') + text).split('\n');
    open.set(stream, lines.pop() ?? '');
    for (const line of lines) yield { stream, line };
  };
  for await (const chunk of answer) {
    if (isTty) {
      yield* split(1, (chunk as Buffer).toString().replaceAll('\r\n', '\n'));
      continue;
    }
    rest = Buffer.concat([rest, chunk as Buffer]);
    while (rest.length >= 8 && rest.length >= 8 + rest.readUInt32BE(4)) {
      const length = rest.readUInt32BE(4);
      yield* split(rest[0] ?? 1, rest.subarray(8, 8 + length).toString());
      rest = rest.subarray(8 + length);
    }
  }
  for (const [stream, line] of open) if (line !== '') yield { stream, line };
}
