/** Effects: checks containers by their label `arpanet.check` from their host, by TCP or HTTP; what the leader is sent of them has the health that comes of it. */
import http from 'node:http';
import { connect } from 'node:net';
import type { ContainerInspect } from '../../model/docker.ts';
import type { ContainerFacts } from '../../model/facts.ts';
import { labels } from '../../model/labels.ts';
import { guarded } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { KeptCheck } from '../../schemas/agent-files.ts';
import { type CheckSpec, parseCheck } from '../../text/check-label.ts';
import { afterProbe, type CheckState, STARTING, withHealth } from './check-state.ts';
import type { KeptChecks } from './kept-checks.ts';

export interface Checks {
  /** Takes notice of these facts of the Engine's, and gives what is to be sent of them. */
  readonly seen: (upserts: readonly ContainerFacts[]) => readonly ContainerFacts[];
  readonly gone: (ids: readonly string[]) => void;
  /** As `seen`: there are no others. */
  readonly all: (containers: readonly ContainerFacts[]) => readonly ContainerFacts[];
}

export interface CheckDeps {
  /** The health of a container is another one: its facts are to be sent again. */
  readonly changed: (facts: ContainerFacts) => void;
  readonly now: () => number;
  /** Whether a network of this Engine, by name, is of driver macvlan or ipvlan: there a host does not reach its own containers. */
  readonly isOnWire: (network: string) => boolean;
  readonly kept: KeptChecks;
  readonly log: Logger;
}

interface Checked {
  facts: ContainerFacts;
  readonly spec: CheckSpec;
  readonly label: string;
  /** One run of the container: after its next start all begins again. */
  readonly run: string;
  state: CheckState;
  timer: NodeJS.Timeout | undefined;
}

const MOST_OUTPUT = 200;
/** A container that has just started is asked sooner than its interval says. */
const SOON_MS = 500;

/** All checks end with the signal. */
export function createChecks({ changed, now, isOnWire, kept, log }: CheckDeps, signal: AbortSignal): Checks {
  const checked = new Map<string, Checked>();
  /** By id, for those that use the network of another. */
  const addresses = new Map<string, string>();
  /** Of the agent's run before, by id: of containers that have not been seen since. */
  const before = new Map(kept.before.map((one) => [one.id, one]));

  signal.addEventListener('abort', () => {
    for (const { timer } of checked.values()) clearTimeout(timer);
  });

  function addressOf({ HostConfig, NetworkSettings }: ContainerInspect): string | undefined {
    const { NetworkMode: mode = '' } = HostConfig ?? {};
    if (mode === 'host') return '127.0.0.1';
    if (mode.startsWith('container:')) return addresses.get(mode.slice('container:'.length));
    const all = Object.entries(NetworkSettings.Networks ?? {}).filter(([, { IPAddress }]) => Boolean(IPAddress));
    const [, endpoint] = (all.length > 1 ? all.find(([network]) => !isOnWire(network)) : undefined) ?? all[0] ?? [];
    return endpoint?.IPAddress;
  }

  const found = (): readonly KeptCheck[] => [
    ...before.values(),
    ...[...checked].flatMap(([id, { run, state }]) => (state.status === 'starting' ? [] : [{ id, startedAt: run, status: state.status }])),
  ];

  function plan(id: string, one: Checked, ms: number): void {
    one.timer = setTimeout(
      guarded(log, 'the check of a container', () => probe(id, one)),
      ms,
    ).unref();
  }

  async function probe(id: string, one: Checked): Promise<void> {
    const { spec } = one;
    const { State } = one.facts.inspect;
    if (State.Paused) return plan(id, one, spec.intervalMs);
    const startMs = now();
    const address = addressOf(one.facts.inspect);
    const answer =
      address === undefined ? failed('it has no address') : await (spec.kind === 'tcp' ? tcp(address, spec) : get(address, spec));
    if (checked.get(id) !== one || signal.aborted) return;
    const was = one.state.status;
    one.state = afterProbe(one.state, { ...answer, startMs, endMs: now() }, spec, Date.parse(State.StartedAt));
    const { status } = one.state;
    if (status !== was) {
      kept.save(found);
      log[status === 'unhealthy' ? 'warn' : 'info'](
        { container: id, check: one.label, status, output: answer.output },
        'a check has another result',
      );
      changed(withHealth(one.facts, one.state));
    }
    plan(id, one, status === 'starting' ? Math.min(SOON_MS, spec.intervalMs) : spec.intervalMs);
  }

  function forget(id: string): void {
    clearTimeout(checked.get(id)?.timer);
    checked.delete(id);
  }

  function take(facts: ContainerFacts): ContainerFacts {
    const { Id: id, State, Config } = facts.inspect;
    const address = addressOf(facts.inspect);
    if (address !== undefined) addresses.set(id, address);
    const label = Config.Labels?.[labels.check] ?? '';
    const spec = label === '' || !State.Running ? undefined : parseCheck(label);
    if (spec === undefined) {
      forget(id);
      return facts;
    }
    const known = checked.get(id);
    if (known !== undefined && known.run === State.StartedAt && known.label === label) {
      known.facts = facts;
      return withHealth(facts, known.state);
    }
    forget(id);
    const last = before.get(id);
    before.delete(id);
    const state = last?.startedAt === State.StartedAt ? { ...STARTING, status: last.status } : STARTING;
    const one: Checked = { facts, spec, label, run: State.StartedAt, state, timer: undefined };
    checked.set(id, one);
    plan(id, one, Math.min(SOON_MS, spec.intervalMs));
    return withHealth(facts, one.state);
  }

  function gone(ids: Iterable<string>): void {
    for (const id of ids) {
      forget(id);
      addresses.delete(id);
      before.delete(id);
    }
  }

  return {
    seen: (upserts) => upserts.map(take),
    gone,
    all(containers) {
      const ids = new Set(containers.map(({ inspect }) => inspect.Id));
      gone([...checked.keys(), ...addresses.keys()].filter((id) => !ids.has(id)));
      const taken = containers.map(take);
      before.clear();
      return taken;
    },
  };
}

interface Answer {
  readonly isGood: boolean;
  readonly output: string;
}

const failed = (output: string): Answer => ({ isGood: false, output });
const why = (error: NodeJS.ErrnoException): string => error.code ?? error.message;

function tcp(host: string, { port, timeoutMs }: CheckSpec): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const done = (answer: Answer): void => {
      socket.destroy();
      resolve(answer);
    };
    socket
      .once('connect', () => done({ isGood: true, output: `${host}:${port} accepts connections` }))
      .once('timeout', () => done(failed(`${host}:${port} has not answered within ${timeoutMs} ms`)))
      .on('error', (error: NodeJS.ErrnoException) => done(failed(`${host}:${port}: ${why(error)}`)));
  });
}

/**
 * As a load balancer asks: a redirection counts, and is not followed. A status within the timeout decides, as Consul's (agent/checks/check.go, `CheckHTTP`): of the
 * body the beginning is kept, as far as it has come by then.
 */
function get(host: string, { port, path, timeoutMs }: CheckSpec): Promise<Answer> {
  return new Promise((resolve) => {
    let status: number | undefined;
    let text = '';
    const end = (otherwise: string): void => {
      clearTimeout(late);
      request.destroy();
      resolve(
        status === undefined
          ? failed(`http://${host}:${port}${path}: ${otherwise}`)
          : { isGood: status >= 200 && status < 400, output: `HTTP ${status} ${text.slice(0, MOST_OUTPUT)}`.trim() },
      );
    };
    const late = setTimeout(() => end(`no answer within ${timeoutMs} ms`), timeoutMs);
    const request = http.get({ host, port, path, agent: false, headers: { 'user-agent': 'arpanet-check' } }, (response) => {
      status = response.statusCode;
      response
        .setEncoding('utf8')
        .on('data', (part: string) => {
          text += part;
          if (text.length >= MOST_OUTPUT) end('');
        })
        .once('end', () => end(''))
        .on('error', () => end(''));
    });
    request
      .once('upgrade', (response, socket) => {
        status = response.statusCode;
        socket.destroy();
        end('');
      })
      .on('error', (error: NodeJS.ErrnoException) => end(why(error)))
      // whatever else ends it
      .once('close', () => end('the connection was closed without an answer'));
  });
}
