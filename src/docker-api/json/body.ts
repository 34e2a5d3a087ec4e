/** Request bodies that the door itself reads: bounded, and refused in the Engine's words. */
import type { IncomingMessage } from 'node:http';
import { ArpanetError, type Json } from '../../model/index.ts';
import type { Exchange } from '../request-context.ts';
import { goJsonError } from './go-json.ts';
import { compareVersions } from '../../text/api-version.ts';

export const BODY_LIMIT_BYTES = 4 * 1024 * 1024;

export async function readBody(req: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const tooLarge = () => new ArpanetError('too-large', `http: request body too large: the limit is ${limitBytes} bytes`);
  if (Number(req.headers['content-length'] ?? 0) > limitBytes) throw tooLarge();
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > limitBytes) {
        req.removeAllListeners('data');
        req.resume();
        reject(tooLarge());
      } else chunks.push(chunk);
    });
    req.once('end', () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)));
    req.once('error', reject);
    req.once('close', () => reject(new ArpanetError('invalid', 'the request body ended too early')));
  });
}

/** A Go struct as far as we read it: what its decoder refuses, and how it calls it. */
export interface GoStruct {
  /** With its package. */
  readonly name: string;
  readonly fields: Readonly<Record<string, 'string' | 'bool' | 'map[string]string' | 'struct'>>;
}

/** The first API version whose Engines (23.0) take no body for an empty object; those before want one. */
const EMPTY_BODY_SINCE = '1.42';

/** The request's body as a JSON object. None at all is `{}` to Engines since 23.0, and refused while older ones are in the cluster. */
export async function readJson<T extends Json>(call: Exchange, struct: GoStruct): Promise<T> {
  const body = await readBody(call.req, call.bodyLimitBytes);
  if (body.length === 0 && compareVersions(call.newestVersion, EMPTY_BODY_SINCE) >= 0) return {} as T;
  return parseJson(body, call.req.headers['content-type'], struct);
}

/**
 * The body as a JSON object of these fields' types; null is an object without fields. An empty body is refused. Words of moby
 * api/server/httputils (ReadJSON) and of Go's encoding/json.
 */
export function parseJson<T extends Json>(body: Buffer, contentType: string | undefined, struct: GoStruct): T {
  if (body.length === 0) {
    throw new ArpanetError('invalid', 'invalid JSON: got EOF while reading request body');
  }
  const type = (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === '') throw new ArpanetError('invalid', `malformed Content-Type header (${contentType ?? ''}): mime: no media type`);
  if (type !== 'application/json')
    throw new ArpanetError('invalid', `unsupported Content-Type header (${type}): must be 'application/json'`);
  const value = parsed(body.toString('utf8'));
  if (value === null) return {} as T;
  if (typeof value !== 'object' || Array.isArray(value)) throw cannotUnmarshal(value, `value of type ${struct.name}`);
  for (const [field, wanted] of Object.entries(struct.fields)) {
    const given = (value as Json)[field];
    if (given === undefined || given === null || isA[wanted](given)) continue;
    const inner =
      wanted === 'map[string]string' && goType(given) === 'object' ? Object.values(given).find((one) => typeof one !== 'string') : given;
    throw cannotUnmarshal(inner, `struct field ${struct.name.replace(/.*\./, '')}.${field} of type ${inner === given ? wanted : 'string'}`);
  }
  return value as T;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const why = goJsonError(text);
    throw new ArpanetError('invalid', why === undefined ? 'unexpected content after JSON' : `invalid JSON: ${why}`, { cause });
  }
}

const cannotUnmarshal = (value: unknown, into: string): ArpanetError =>
  new ArpanetError('invalid', `invalid JSON: json: cannot unmarshal ${goType(value)} into Go ${into}`);

const goType = (value: unknown): string => (Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value);

const isA: Readonly<Record<GoStruct['fields'][string], (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  bool: (value) => typeof value === 'boolean',
  struct: (value) => goType(value) === 'object',
  'map[string]string': (value) =>
    goType(value) === 'object' && Object.values(value as object).every((one) => typeof one === 'string' || one === null),
};
