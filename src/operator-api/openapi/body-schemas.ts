/** The tables by which bodies are read, as JSON Schema 2020-12: what the endpoint takes and what the reference says are one. Pure. */
import { LONGEST_TIMER_MS } from '../../async/longest-timer.ts';
import type { GoTypes } from '../../docker-json/index.ts';

/** A JSON Schema. */
export type Schema = Readonly<Record<string, unknown>>;

/** The schemas of these types and of all that they are made of, by name in `components/schemas`. */
export function bodySchemas(types: GoTypes, names: readonly string[]): Readonly<Record<string, Schema>> {
  const made = new Map<string, Schema>();
  const refer = (name: string): Schema => {
    if (!made.has(componentName(name))) {
      made.set(componentName(name), {});
      made.set(componentName(name), entryOf(name));
    }
    return { $ref: `#/components/schemas/${componentName(name)}` };
  };
  const entryOf = (name: string): Schema => {
    const entry = types[name] ?? {};
    if (typeof entry === 'string') return schemaOf(entry);
    const properties = Object.entries(entry).map(([field, type]) => [field, { ...schemaOf(type), ...RANGES[`${name}.${field}`] }]);
    return { type: 'object', properties: Object.fromEntries(properties) as Schema };
  };
  const schemaOf = (type: string): Schema => {
    const plain = PLAIN[type] ?? integerOf(type);
    if (plain !== undefined) return plain;
    if (type.startsWith('*')) return schemaOf(type.slice(1));
    const [, length, item] = /^\[(\d*)\](.+)$/.exec(type) ?? [];
    if (item !== undefined)
      return { type: ['array', 'null'], items: schemaOf(item), ...(length === '' ? {} : { maxItems: Number(length) }) };
    const [, value] = /^map\[[\w.]+\](.+)$/.exec(type) ?? [];
    if (value === undefined) return refer(type);
    return { type: ['object', 'null'], additionalProperties: value.startsWith('*') ? orNull(schemaOf(value)) : schemaOf(value) };
  };
  for (const name of names) refer(name);
  return Object.fromEntries(made);
}

/** `arpanet.HostRequest` is HostRequest; `runconfig.ContainerConfigWrapper@1.41` keeps its package. */
export const componentName = (name: string): string =>
  name
    .replace(/^arpanet\./, '')
    .replace(/@.*$/, '')
    .replaceAll(/[^\w.-]/g, '_');

const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });

const PLAIN: Readonly<Record<string, Schema>> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  '[]byte': { type: ['string', 'null'], contentEncoding: 'base64' },
  float32: { type: 'number' },
  float64: { type: 'number' },
  milliseconds: { type: 'number' },
  'json.Number': { type: ['number', 'string'] },
  'strslice.StrSlice': { anyOf: [{ type: 'string' }, { type: ['array', 'null'], items: { type: 'string' } }] },
};

function integerOf(type: string): Schema | undefined {
  const [, unsigned, bits = '64'] = /^(u?)int(\d+)?$/.exec(type) ?? [];
  if (unsigned === undefined) return undefined;
  if (Number(bits) > 32) return { type: 'integer', ...(unsigned === 'u' ? { minimum: 0 } : {}) };
  const [minimum, maximum] = unsigned === 'u' ? [0, 2 ** Number(bits) - 1] : [-(2 ** (Number(bits) - 1)), 2 ** (Number(bits) - 1) - 1];
  return { type: 'integer', minimum, maximum };
}

const milliseconds: Schema = { minimum: 0, maximum: LONGEST_TIMER_MS };

/** What is checked beside the type. */
const RANGES: Readonly<Record<string, Schema>> = {
  'arpanet.UpdateSettings.order': { enum: ['start-first', 'stop-first'] },
  'arpanet.UpdateSettings.onFailure': { enum: ['rollback', 'pause', 'continue'] },
  'arpanet.UpdateSettings.delayMs': milliseconds,
  'arpanet.UpdateSettings.monitorMs': milliseconds,
  'arpanet.UpdateSettings.patienceMs': milliseconds,
  'arpanet.UpdateSettings.drainMs': milliseconds,
  'arpanet.HostRequest.availability': { enum: ['active', 'pause'] },
};
