/**
 * A container's record as a store has it since schema 2: what its request has in common with those of its service's other instances is a template, kept
 * once under its own SHA-256; what is its own is compressed, and takes less than a kilobyte. Pure.
 */
import { createHash } from 'node:crypto';
import { deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from 'node:zlib';
import { composeLabels, keys } from '../../model/index.ts';

/** The first schema of stores with templates. */
export const TEMPLATE_SCHEMA = 2;

/** What instances of a service have each for itself: the record keeps it, and the template has null there. A stored record names them by position: add at the end. */
const OWN: readonly (readonly string[])[] = [
  ['NetworkingConfig'],
  ['Hostname'],
  ['MacAddress'],
  ['Labels', composeLabels.number],
  ['Labels', composeLabels.replace],
];

/** Words that records have in common, the most frequent last (RFC 1951 by zlib's preset dictionary). Part of the form: it never changes. */
const WORDS = Buffer.from(
  '"unaddressed":"modeNetwork":"connected":{"linkedHosts":"linkEnv":"networkModeSent":"ports":{"movedFrom":{"id":"isUnstarted":true' +
    '"IPAMConfig":null,"Links":null,"Aliases":["NetworkID":"","EndpointID":"","Gateway":"","IPAddress":"","IPPrefixLen":0,"MacAddress":"","DriverOpts":null' +
    '{"EndpointsConfig":{"_default":{"among":"host-port","needs "availability","reservations","volume","affinity","answers","it does not answer now, and others fit"' +
    'constraint:node== does not hold (is not alive MiB unreserved GiB of CPUs' +
    '"counts":{"fit":"refused":{"constraint":"why":"}],"refused":[{"host":"","rule":"constraint","why":"memory","why":"' +
    '},{"host":"","score":-1.{"host":"","score":-0.,"figures":{"preferences":0,"sameService":0,"cpu":0.0,"memory":0.0,"network":0,"pendingCpu":0,"pendingMemory":0,"reservedCpu":0,"reservedMemory":0,"containers":0,"image":1,"copySeconds":0}}' +
    '{"own":[[0,[3,"1"]],"record":{"name":"","id":"","host":"","deployment":"","service":"","number":1,"addresses":{"10.32."},"aliases":{":[""]},"links":[],"request":null,' +
    '"decision":{"host":"","strategy":"spread","atMs":1,"scored":[{"host":"","score":"createdAtMs":1,"requestId":"","nonce":"',
);
const LEVEL = 6;
/** Records that are larger are kept in parts. */
const MOST_BYTES = 1024 * 1024;

export interface Template {
  readonly sha256: string;
  /** What is stored at its key. */
  readonly text: () => string;
}

/** A record that has a template, as it is stored at its own key. */
interface Templated {
  readonly folded: 2;
  /** The SHA-256 of its template's JSON. */
  readonly template: string;
  /** `Own` as JSON: raw DEFLATE with WORDS, in base64. */
  readonly own: string;
}

interface Own {
  /** Values by their position in OWN. */
  readonly own: readonly (readonly [position: number, value: unknown])[];
  /** With null for its request. */
  readonly record: Fields;
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A record is written more than once with the same request. */
const known = new WeakMap<Fields, { readonly template: Template; readonly own: Own['own'] }>();

/** Undefined: it is no container's record, or has no request. */
export function withTemplate(
  key: string,
  value: unknown,
): { readonly value: Readonly<Record<string, unknown>>; readonly template: Template } | undefined {
  if (!key.startsWith(keys.containers) || !isFields(value) || !isFields(value['request'])) return undefined;
  const { template, own } = split(value['request']);
  const text = JSON.stringify({ own, record: { ...value, request: null } } satisfies Own);
  const packed = deflateRawSync(text, { level: LEVEL, dictionary: WORDS }).toString('base64');
  return { value: { folded: 2, template: template.sha256, own: packed } satisfies Templated, template };
}

function split(request: Fields): { readonly template: Template; readonly own: Own['own'] } {
  const before = known.get(request);
  if (before !== undefined) return before;
  const own = OWN.flatMap((path, position) => {
    const found = at(request, path);
    return found === undefined || found === null ? [] : [[position, found] as const];
  });
  const shared = own.reduce((rest, [position]) => put(rest, OWN[position] ?? [], null), request);
  const json = JSON.stringify(shared);
  const template = { sha256: digest(json), text: () => gzipSync(json).toString('base64') };
  known.set(request, { template, own });
  return { template, own };
}

/** The template that a stored value has; undefined: it has none. */
export function templateIn(stored: unknown): string | undefined {
  return isTemplated(stored) ? stored.template : undefined;
}

function isTemplated(stored: unknown): stored is Templated {
  if (!isFields(stored)) return false;
  const { folded, template, own } = stored;
  return folded === 2 && typeof template === 'string' && /^[0-9a-f]{64}$/.test(template) && typeof own === 'string';
}

/**
 * The record again. `templates`: those that were read before, by SHA-256, so that records of one service share theirs in memory; `textAt` gives what is stored at
 * a template's key. Throws an Error that says what cannot be read.
 */
export function withoutTemplate(stored: unknown, templates: Map<string, object>, textAt: () => unknown): unknown {
  if (!isTemplated(stored)) return stored;
  const { own, record } = readOwn(stored.own);
  const template = templates.get(stored.template) ?? readTemplate(stored.template, textAt());
  templates.set(stored.template, template);
  const request = own.reduce<Fields>((rest, [position, value]) => {
    const path = OWN[position];
    if (path === undefined) throw new Error(`it has a field of its own that this release does not know (${position})`);
    return put(rest, path, value);
  }, template as Fields);
  return { ...record, request };
}

function readOwn(packed: string): Own {
  let value: unknown;
  try {
    value = JSON.parse(inflateRawSync(Buffer.from(packed, 'base64'), { dictionary: WORDS, maxOutputLength: MOST_BYTES }).toString());
  } catch {
    throw new Error('what is its own beside its template is damaged');
  }
  const isOwn = (each: unknown): boolean => Array.isArray(each) && each.length === 2 && typeof each[0] === 'number';
  if (!isFields(value) || !isFields(value['record']) || !Array.isArray(value['own']) || !value['own'].every(isOwn))
    throw new Error('what is its own beside its template is damaged');
  return value as unknown as Own;
}

function readTemplate(sha256: string, text: unknown): object {
  let json: string | undefined;
  try {
    json = gunzipSync(Buffer.from(String(text), 'base64'), { maxOutputLength: MOST_BYTES }).toString();
  } catch {
    // no text, or another
  }
  if (json === undefined || digest(json) !== sha256)
    throw new Error(`the template that it shares with its service's other instances is missing or damaged (${keys.parts}${sha256})`);
  return JSON.parse(json) as object;
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

const field = (fields: Fields, name: string): unknown => Object.getOwnPropertyDescriptor(fields, name)?.value;

function at(fields: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return fields;
  return isFields(fields) ? at(field(fields, name), rest) : undefined;
}

/** A copy with the value in its place; where there is no such place, as it was. */
function put(fields: Fields, [name = '', ...rest]: readonly string[], value: unknown): Fields {
  if (!Object.hasOwn(fields, name)) return fields;
  const inner = field(fields, name);
  if (rest.length === 0) return { ...fields, [name]: value };
  return isFields(inner) ? { ...fields, [name]: put(inner, rest, value) } : fields;
}
