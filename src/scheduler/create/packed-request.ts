/** A create request as a label's value: gzip in base64, a third of its JSON. Outside of rewrite.ts, which knows no libraries. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { type CreateRequest, labels } from '../../model/index.ts';

/** A label of an Engine has no limit, but every list of containers carries it. */
const MAX_BYTES = 64 * 1024;
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

/** Empty when it is too large to be carried: an image's label of that name must not replace it. */
export function packRequest(request: CreateRequest): string {
  const packed = gzipSync(JSON.stringify(request)).toString('base64');
  return packed.length > MAX_BYTES ? '' : packed;
}

/** Undefined when there is none, or none that can be read. */
export function requestFromLabels(given: Readonly<Record<string, string>>): CreateRequest | undefined {
  const packed = given[labels.request];
  if (packed === undefined || packed === '') return undefined;
  try {
    const text = gunzipSync(Buffer.from(packed, 'base64'), { maxOutputLength: MAX_REQUEST_BYTES }).toString();
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as CreateRequest) : undefined;
  } catch {
    return undefined;
  }
}
