/**
 * `POST /containers/create` (Docker API v1.24 and later). What is wrong with a request an Engine says best, in the words of its version; so a request that we refuse is shown to one, under a
 * name that no container can have: it never makes anything, it only tells what it thinks of everything that it looks at before the name.
 */
import { goStruct, type GoType } from '../../docker-json/index.ts';
import type { EngineAnswer } from '../../engine/index.ts';
import { ArpanetError, type CreateContainer, type CreateRequest, isKind } from '../../model/index.ts';
import { parseJson, readBody } from '../json/body.ts';
import { mustSayOnce } from '../../security/index.ts';
import { type Exchange, sendJson } from '../request-context.ts';
import { askHost, sendEngineAnswer } from './mutate.ts';
import { apiMinor, compareVersions } from '../../text/api-version.ts';
import { CONTAINER_NAME_FORM, isContainerName, withoutSlash } from '../../text/names.ts';

const NO_NAME = '-';

/** Before 23.0 Engines read more than HostConfig of it. */
const structOf = (newest: string): GoType =>
  goStruct(compareVersions(newest, '1.42') < 0 ? 'runconfig.ContainerConfigWrapper@1.41' : 'runconfig.ContainerConfigWrapper');

export async function containerCreate(call: Exchange): Promise<void> {
  const body = await readBody(call.req, call.bodyLimitBytes);
  let request: CreateRequest | undefined;
  try {
    const name = call.query.get('name') || undefined;
    request = checked(
      parseJson<CreateRequest>(body, call.req.headers['content-type'], structOf(call.newestVersion), mustSayOnce(call.req)),
      apiMinor(call.apiVersion),
    );
    if (name !== undefined && !isContainerName(name)) throw invalidName(name);
    const create: CreateContainer = {
      name: name === undefined ? undefined : withoutSlash(name),
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
    if (call.isScoped === true) throw error;
    const refusal = await refusalOfEngine(call, body, request).catch(() => undefined);
    // a host that lacks the image says nothing about a request that fails for another reason
    if (refusal === undefined || (refusal.status === 404 && !isKind(error, 'not-found', 'unplaceable'))) throw error;
    // what is no JSON is the client's fault, though 20.10 calls it its own
    sendEngineAnswer(call, refusal.status === 500 && isKind(error, 'invalid') ? { ...refusal, status: 400 } : refusal);
  }
}

function checked(request: CreateRequest, minor: number): CreateRequest {
  const endpoints = Object.keys(request.NetworkingConfig?.EndpointsConfig ?? {});
  if (minor < 44 && endpoints.length > 1) {
    throw new ArpanetError('invalid', `Container cannot be connected to network endpoints: ${endpoints.join(', ')}`);
  }
  return request;
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
  new ArpanetError('invalid', `Invalid container name (${name}), only ${CONTAINER_NAME_FORM} are allowed`);
