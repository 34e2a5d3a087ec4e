/** Request bodies that the endpoint itself reads: bounded, and refused in the Engine's words. */
import type { IncomingMessage } from 'node:http';
import { ArpanetError, type Json } from '../../model/index.ts';
import type { Exchange } from '../request-context.ts';
import { goStruct, type GoType } from '../../docker-json/index.ts';
import { bodyMemory } from '../limits/connections.ts';
import { parseGoJson } from '../../schemas/index.ts';
import { mustSayOnce } from '../../security/index.ts';
import { compareVersions } from '../../text/api-version.ts';

const bodies = new WeakMap<IncomingMessage, Promise<Buffer>>();

/** The request's body; of one that was read before, the same bytes. Throws `too-large`, and `invalid` for one that is cut off. */
export async function readBody(req: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const read = bodies.get(req) ?? readOnce(req, limitBytes);
  bodies.set(req, read);
  return await read;
}

/** From now on this is the request's body, for all that read it. */
export function replaceBody(req: IncomingMessage, body: Buffer): void {
  bodies.set(req, Promise.resolve(body));
}

/** What readBody gave; undefined: it is still to be read. */
export const bodyRead = (req: IncomingMessage): Promise<Buffer> | undefined => bodies.get(req);

async function readOnce(req: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const tooLarge = () => new ArpanetError('too-large', `http: request body too large: the limit is ${limitBytes} bytes`);
  if (Number(req.headers['content-length'] ?? 0) > limitBytes) throw tooLarge();
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const memory = bodyMemory(req.socket);
    let bytes = 0;
    const refuse = (error: ArpanetError): void => {
      req.removeAllListeners('data');
      req.resume();
      memory.free();
      chunks.length = 0;
      reject(error);
    };
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > limitBytes) refuse(tooLarge());
      else if (memory.grow(chunk.length)) chunks.push(chunk);
      else refuse(tooMany());
    });
    req.once('end', memory.free).once('close', memory.free);
    req.once('end', () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)));
    req.once('error', reject);
    req.once('close', () => reject(new ArpanetError('invalid', 'the request body ended too early')));
  });
}

const tooMany = (): ArpanetError =>
  new ArpanetError('too-many', 'this client has sent parts of too many bodies at once: end some of its requests first');

/** The first API version whose Engines (23.0) take no body for an empty object; those before want one. */
const EMPTY_BODY_SINCE = '1.42';

/**
 * The request's body as this Go struct (docker-json), read as an Engine reads it: with Docker's own spelling of every key, and nothing that
 * the struct does not have. None at all is `{}` to Engines since 23.0, and refused while older ones are in the cluster.
 */
export async function readJson<T extends Json>(call: Exchange, struct: string): Promise<T> {
  const body = await readBody(call.req, call.bodyLimitBytes);
  if (body.length === 0 && compareVersions(call.newestVersion, EMPTY_BODY_SINCE) >= 0) return {} as T;
  return parseJson(body, call.req.headers['content-type'], goStruct(struct), mustSayOnce(call.req));
}

/** The same for bodies that no Engine takes when they are empty: specs of services, secrets, configs and nodes. */
export async function readSwarmJson<T extends Json>(call: Exchange, struct: string): Promise<T> {
  return parseJson(
    await readBody(call.req, call.bodyLimitBytes),
    call.req.headers['content-type'],
    goStruct(struct),
    mustSayOnce(call.req),
  );
}

/**
 * `type` is a struct. An empty body is refused; with `saysOnce` also one that has a key twice. Words of moby api/server/httputils (ReadJSON) and of
 * Go's encoding/json.
 */
export function parseJson<T extends Json>(body: Buffer, contentType: string | undefined, type: GoType, saysOnce = false): T {
  if (body.length === 0) {
    throw new ArpanetError('invalid', 'invalid JSON: got EOF while reading request body');
  }
  refuseOtherThanJson(contentType);
  return parseGoJson(body.toString('utf8'), type, saysOnce) as T;
}

/** An Engine looks at the type and not at its parameters. */
function refuseOtherThanJson(contentType: string | undefined): void {
  const type = (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === '') throw new ArpanetError('invalid', `malformed Content-Type header (${contentType ?? ''}): mime: no media type`);
  if (type !== 'application/json')
    throw new ArpanetError('invalid', `unsupported Content-Type header (${type}): must be 'application/json'`);
}
