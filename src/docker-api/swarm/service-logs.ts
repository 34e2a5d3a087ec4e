/** Logs of all instances of a service in one stream, each line with the details that the docker CLI makes its prefix from. */
import { setMaxListeners } from 'node:events';
import { engineOpen, type LogLine, LogLines } from '../../engine/index.ts';
import { ArpanetError, type ContainerView, type ServiceView } from '../../model/index.ts';
import { mapBounded } from '../../async/limit.ts';
import { pacedWriter } from '../../async/paced-writer.ts';
import { type Exchange, ownHeaders } from '../request-context.ts';
import { unreachable } from '../proxy/forward.ts';
import { boolValue, engineError, strconvError, unixTimeMs } from '../json/go-values.ts';
import { ids } from '../../text/swarm-ids.ts';
import { serviceAt } from './services.ts';
import { taskId } from './show.ts';
import { taskAt } from './tasks.ts';

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

/** Of logs that end, so many are read at a time; of followed ones each must be. */
const READ_AT_ONCE = 32;

async function logsOf(call: Exchange, view: ServiceView, containers: readonly ContainerView[]): Promise<void> {
  const query = new URLSearchParams(call.query);
  refuseNoStream(query);
  const withDetails = boolValue(query.get('details'));
  const withTimes = boolValue(query.get('timestamps'));
  query.delete('details');
  setMaxListeners(0, call.signal);
  call.res.writeHead(200, { ...ownHeaders(call.apiVersion, call.requestId), 'Content-Type': 'application/vnd.docker.multiplexed-stream' });
  call.res.flushHeaders();
  const write = pacedWriter(call.res);
  const readers = boolValue(query.get('follow')) ? containers.length : READ_AT_ONCE;
  await mapBounded(containers, readers, async (container) => {
    const details = Buffer.from(withDetails ? detailsOf(view, container) : '');
    try {
      for await (const { stream, line } of linesOf(call, container, query.toString())) {
        const cut = withTimes ? line.indexOf(' ') + 1 : 0;
        const head = Buffer.alloc(8);
        head[0] = stream;
        head.writeUInt32BE(line.length + details.length + 1, 4);
        if (!(await write(Buffer.concat([head, line.subarray(0, cut), details, line.subarray(cut), NEWLINE])))) return;
      }
    } catch (error) {
      if (!call.signal.aborted) call.log.debug({ container: container.name, err: error }, 'logs of an instance ended early');
    }
  });
  call.res.end();
}

const NEWLINE = Buffer.from('\n');

/** What an Engine refuses as well, before anything is streamed (moby daemon/logs.go). */
function refuseNoStream(query: URLSearchParams): void {
  if (!boolValue(query.get('stdout')) && !boolValue(query.get('stderr')))
    throw new ArpanetError('invalid', 'Bad parameters: you must choose at least one stream');
  const tail = query.get('tail') ?? '';
  if (!/^(?:|all|-?\d{1,18})$/.test(tail)) throw new ArpanetError('invalid', 'tail value must be a positive integer or "all"');
  if (tail.startsWith('-')) throw engineError('negative tail values not supported');
  const since = query.get('since') ?? '';
  if (since !== '' && unixTimeMs(since) === undefined)
    throw engineError(`could not parse since timestamp: ${strconvError('ParseInt', since)}`);
}

const detailsOf = (view: ServiceView, container: ContainerView): string =>
  [
    `com.docker.swarm.node.id=${ids.node(container.host)}`,
    `com.docker.swarm.service.id=${ids.service(view.deployment, view.service)}`,
    `com.docker.swarm.task.id=${taskId(container, ids)} `,
  ].join(',');

/** Reads on only as its lines are taken: an Engine whose reader waits, waits as well. */
async function* linesOf(call: Exchange, container: ContainerView, query: string): AsyncGenerator<LogLine> {
  if (container.hostState !== 'alive' || call.signal.aborted) return;
  const { agent } = call.cluster.engines.endpoint(container.host);
  const path = `/containers/${container.id}/logs?${query}`;
  const answer = await engineOpen({ agent }, { method: 'GET', path, signal: call.signal });
  if (answer.statusCode !== 200) {
    answer.resume();
    return;
  }
  try {
    yield* new LogLines(container.facts.inspect.Config['Tty'] === true).of(answer);
  } catch (error) {
    throw unreachable(container.host, error);
  }
}
