/**
 * Create. What is wrong with a request an Engine says best, in the words of its version; so a request that we refuse is shown to one, under a
 * name that no container can have: it never makes anything, it only tells what it thinks of everything that it looks at before the name.
 */
import { z } from 'zod';
import type { EngineAnswer } from '../../engine/index.ts';
import { ArpanetError, type CreateContainer, type CreateRequest, isKind } from '../../model/index.ts';
import { parseJson, readBody } from '../json/body.ts';
import { type Exchange, sendJson } from '../request-context.ts';
import { askHost, sendEngineAnswer } from './mutate.ts';
import { apiMinor } from '../../text/api-version.ts';

const NAME = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const NO_NAME = '-';

/** The types of what we read ourselves; all else is the Engine's business. */
const texts = z.array(z.string()).nullish();
const textMap = z.record(z.string(), z.string()).nullish();
const anyMap = z.record(z.string(), z.unknown()).nullish();
const endpoint = z.looseObject({
  IPAMConfig: z.looseObject({ IPv4Address: z.string().optional(), IPv6Address: z.string().optional() }).nullish(),
  Links: texts,
  Aliases: texts,
});
const binding = z.looseObject({ HostIp: z.string().nullish(), HostPort: z.string().nullish() });
const mount = z.looseObject({ Type: z.string().nullish(), Source: z.string().nullish(), Target: z.string().nullish() });
const createShape = z.looseObject({
  Image: z.string().nullish(),
  Hostname: z.string().nullish(),
  Env: texts,
  Labels: textMap,
  Healthcheck: z.looseObject({ Test: texts }).nullish(),
  ExposedPorts: anyMap,
  Volumes: anyMap,
  HostConfig: z
    .looseObject({
      ...Object.fromEntries(['NetworkMode', 'IpcMode', 'PidMode', 'VolumeDriver'].map((name) => [name, z.string().nullish()])),
      ...Object.fromEntries(['Binds', 'VolumesFrom', 'Links', 'Dns', 'DnsSearch', 'DnsOptions', 'ExtraHosts'].map((name) => [name, texts])),
      ...Object.fromEntries(
        ['Memory', 'MemoryReservation', 'NanoCpus', 'CpuQuota', 'CpuPeriod'].map((name) => [name, z.number().nullish()]),
      ),
      Mounts: z.array(mount).nullish(),
      PortBindings: z.record(z.string(), z.array(binding).nullish()).nullish(),
    })
    .nullish(),
  NetworkingConfig: z.looseObject({ EndpointsConfig: z.record(z.string(), endpoint.nullish()).nullish() }).nullish(),
});

export async function containerCreate(call: Exchange): Promise<void> {
  const body = await readBody(call.req, call.bodyLimitBytes);
  let request: CreateRequest | undefined;
  try {
    const name = call.query.get('name') || undefined;
    request = checked(
      parseJson<CreateRequest>(body, call.req.headers['content-type'], { name: 'runconfig.ContainerConfigWrapper', fields: {} }),
      apiMinor(call.apiVersion),
    );
    if (name !== undefined && !NAME.test(name)) throw invalidName(name);
    const create: CreateContainer = {
      name: name?.replace(/^\//, ''),
      platform: call.query.get('platform') || undefined,
      request,
      apiVersion: call.apiVersion,
      requestId: call.requestId,
      signal: call.signal,
    };
    const { id, warnings } = await call.cluster.replicas.creating(request, () => call.cluster.containers.create(create));
    sendJson(call, 201, { Id: id, Warnings: warnings });
  } catch (error) {
    if (!isKind(error, 'invalid', 'not-found', 'unplaceable')) throw error;
    if (error.message.startsWith('invalid endpoint settings')) {
      const network = request?.HostConfig?.NetworkMode ?? 'default';
      throw new ArpanetError('invalid', `invalid config for network ${network}: ${error.message}`, { cause: error });
    }
    const said = await refusalOfEngine(call, body, request).catch(() => undefined);
    // a host that lacks the image says nothing about a request that fails for another reason
    if (said === undefined || (said.status === 404 && !isKind(error, 'not-found', 'unplaceable'))) throw error;
    // what is no JSON is the client's fault, though 20.10 calls it its own
    sendEngineAnswer(call, said.status === 500 && isKind(error, 'invalid') ? { ...said, status: 400 } : said);
  }
}

function checked(request: CreateRequest, minor: number): CreateRequest {
  const endpoints = Object.keys(request.NetworkingConfig?.EndpointsConfig ?? {});
  if (minor < 44 && endpoints.length > 1) {
    throw new ArpanetError('invalid', `Container cannot be connected to network endpoints: ${endpoints.join(', ')}`);
  }
  const problem = createShape.safeParse(request).error?.issues[0];
  if (problem === undefined) return request;
  throw new ArpanetError('invalid', `invalid create request: ${problem.path.map(String).join('.')}: ${problem.message}`);
}

/** Undefined: an Engine would take it, but for the name. */
async function refusalOfEngine(call: Exchange, body: Buffer, request: CreateRequest | undefined): Promise<EngineAnswer | undefined> {
  const { cluster } = call;
  const holder = typeof request?.Image === 'string' ? cluster.images.find(request.Image)?.hosts[0] : undefined;
  const query = new URLSearchParams(call.query);
  query.set('name', NO_NAME);
  const answer = await askHost(
    call,
    holder ?? cluster.images.builder(),
    `/v${call.apiVersion}/containers/create?${query.toString()}`,
    body,
  );
  const isOfName = answer.body.toString().includes(`Invalid container name (${NO_NAME})`);
  return answer.status < 400 || isOfName ? undefined : answer;
}

const invalidName = (name: string): ArpanetError =>
  new ArpanetError('invalid', `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
