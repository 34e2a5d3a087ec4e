/**
 * `docker build --network NAME`: the classic builder's steps run in the network of a container that exists for this build alone, so that they have its
 * leased address and its names (Docker API v1.25, `POST /build`, `networkmode`). An Engine would give them an address that another host's container may have, and knows the network only where it is set up.
 * Effects: calls to Engines; a container and an image, removed after the build, or before the next one if this scheduler ended meanwhile.
 */
import { engineError, engineRequest, type EngineAnswer, tarOf } from '../../engine/index.ts';
import { ArpanetError, type ContainerView, isKind, labels } from '../../model/index.ts';
import { predefinedName } from '../../networks/index.ts';
import { reportFault } from '../../telemetry/faults.ts';
import type { Call } from '../request-context.ts';
import { unreachable } from '../proxy/forward.ts';
import { idleProgram } from './idle-program.ts';

const TIMEOUT_MS = 60_000;
const PROGRAM = 'idle';

/** Builds under way here, by request id. */
const underWay = new Set<string>();

/** The cluster's network that a build names; undefined: none, or one that only its Engine can speak about. BuildKit knows no networks by name. */
export function networkNamed(call: Call): string | undefined {
  const mode = call.query.get('networkmode') ?? '';
  if (mode === '' || mode === 'default' || mode.startsWith('container:') || call.query.get('version') === '2') return undefined;
  if (predefinedName(mode) !== undefined) return undefined;
  try {
    return call.cluster.networks.one(mode).record.id;
  } catch (error) {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  }
}

/** Runs the build with a container of this network on the host. Throws as `Containers.create` does. */
export async function inNetwork(call: Call, host: string, network: string, build: (container: string) => Promise<void>): Promise<void> {
  await removeLeft(call);
  underWay.add(call.requestId);
  const image = await importIdle(call, host);
  try {
    const container = await startIdle(call, { host, network, image });
    try {
      await build(container.id);
    } finally {
      await quietly(call, 'the end of a build', () => removeIdle(call, container));
    }
  } finally {
    underWay.delete(call.requestId);
    await quietly(call, 'the end of a build', () => removeImage(call, host, image));
  }
}

async function ask(call: Call, host: string, method: string, path: string, more: { readonly body?: Buffer } = {}): Promise<EngineAnswer> {
  const { agent } = call.cluster.engines.endpoint(host);
  const headers = more.body === undefined ? {} : { 'Content-Type': 'application/x-tar' };
  return await engineRequest({ agent }, { method, path: `/v${call.apiVersion}${path}`, headers, timeoutMs: TIMEOUT_MS, ...more }).catch(
    (error: unknown) => {
      throw unreachable(host, error);
    },
  );
}

function mustBe(answer: EngineAnswer, ...accepted: readonly number[]): EngineAnswer {
  if (answer.status < 300 || accepted.includes(answer.status)) return answer;
  throw engineError(answer.status, answer.body.toString());
}

/** The id of a fresh image with one program in it. */
async function importIdle(call: Call, host: string): Promise<string> {
  const arch = call.cluster.hosts.list().find(({ name }) => name === host)?.facts?.arch ?? '';
  const data = idleProgram(arch);
  if (data === undefined)
    throw new ArpanetError('unsupported', `a build in a network is supported on hosts with amd64 or arm64, and ${host} is ${arch}`);
  const archive = await tarOf([{ path: PROGRAM, data, uid: 0, gid: 0, mode: 0o755 }], call.nowMs);
  const change = encodeURIComponent(JSON.stringify([`/${PROGRAM}`]));
  const answer = await ask(call, host, 'POST', `/images/create?fromSrc=-&changes=ENTRYPOINT%20${change}`, { body: archive });
  const [id] = /sha256:[0-9a-f]{64}/.exec(mustBe(answer).body.toString()) ?? [];
  if (id === undefined) throw new ArpanetError('engine', `host ${host} imported no image: ${answer.body.toString().trim()}`);
  await call.cluster.view.refresh(host, { images: true });
  return id;
}

interface Idle {
  readonly host: string;
  readonly network: string;
  readonly image: string;
}

async function startIdle(call: Call, { host, network, image }: Idle): Promise<ContainerView> {
  const { containers } = call.cluster;
  const { id } = await containers.create({
    name: undefined,
    platform: undefined,
    request: { Image: image, Labels: { [labels.build]: call.requestId }, HostConfig: { NetworkMode: network } },
    apiVersion: call.apiVersion,
    requestId: `${call.requestId}-network`,
    signal: call.signal,
    on: host,
  });
  const made = containers.one(id);
  try {
    mustBe(await ask(call, host, 'POST', `/containers/${id}/start`), 304);
    await call.cluster.view.refresh(host, { containers: [id] });
    return made;
  } catch (error) {
    await quietly(call, 'a build that did not begin', () => removeIdle(call, made));
    throw error;
  }
}

async function removeIdle(call: Call, container: ContainerView): Promise<void> {
  const { containers, view } = call.cluster;
  await containers.withdrawn(container, async () => {
    mustBe(await ask(call, container.host, 'DELETE', `/containers/${container.id}?force=1&v=1`), 404, 409);
  });
  await containers.release(container);
  await view.refresh(container.host, { containers: [container.id] });
}

async function removeImage(call: Call, host: string, image: string): Promise<void> {
  mustBe(await ask(call, host, 'DELETE', `/images/${image}?force=1`), 404);
  await call.cluster.view.refresh(host, { images: true });
}

/** What a scheduler left that ended in the middle of a build. */
async function removeLeft(call: Call): Promise<void> {
  const left = call.cluster.containers.list().filter(({ hostState, record }) => {
    const build = record?.request.Labels?.[labels.build];
    return build !== undefined && hostState === 'alive' && !underWay.has(build);
  });
  for (const container of left) {
    await quietly(call, 'a build that was cut off', async () => {
      await removeIdle(call, container);
      await removeImage(call, container.host, container.facts.inspect.Image);
    });
  }
}

/** What cannot be cleaned up now is, before the next build; the build's own end is not changed by it. */
async function quietly(call: Call, what: string, act: () => Promise<void>): Promise<void> {
  await act().catch((error: unknown) => reportFault(call.log, what, error));
}
