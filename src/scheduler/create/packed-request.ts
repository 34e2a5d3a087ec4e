/** A create request as a label's value: gzip in base64, a third of its JSON. Outside of rewrite.ts, which knows no libraries. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { type ContainerInspect, type CreateRequest, labels, withoutReserved } from '../../model/index.ts';
import { parseJson } from '../../schemas/index.ts';

/** A label of an Engine has no limit, but every list of containers carries it. */
const MAX_BYTES = 64 * 1024;
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

/** Empty when it is too large to be carried. */
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
    const value = parseJson(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? withoutReserved(value as CreateRequest) : undefined;
  } catch {
    return undefined;
  }
}

/** What the Engine says of a container, as a request. `labelNames`: the labels that are not its image's. */
export function requestFromInspect({ Config, HostConfig }: ContainerInspect, labelNames?: readonly string[]): CreateRequest {
  const Labels = Object.fromEntries(Object.entries(Config.Labels ?? {}).filter(([label]) => labelNames?.includes(label) !== false));
  return withoutReserved({ ...Config, Labels, HostConfig });
}
