/**
 * Large records (a create request with 10,000 ports, 600 KB of environment) as a store takes them: their large fields are compressed and kept apart,
 * each under what it holds, so that records with the same environment share it, and cut into pieces that fit into a transaction. Pure.
 */
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { keys } from '../../model/index.ts';
import { templateIn, withoutTemplate } from './template.ts';

/** Of a record's JSON: smaller ones stay whole, and can be read by releases that know no parts. */
const LARGE_RECORD = 64 * 1024;
/** Of a field's JSON. */
const LARGE_FIELD = 8 * 1024;
/** What is left of a record; where that is more, the record as a whole is one part. */
const LARGE_REST = 96 * 1024;
/** Characters of base64 in a piece: with its own base64 in Consul's transaction it has 350 KB of 512. */
const PIECE = 256 * 1024;
/** No field of a request is as large: its body has a limit. */
const MAX_FIELD_BYTES = 64 * 1024 * 1024;
const MAX_PIECES = 1_000;

type Path = readonly (string | number)[];

/** A field that is kept apart. */
export interface PartRef {
  /** Where in the record; empty: it is all of it. */
  readonly at: Path;
  /** SHA-256 of its pieces together. */
  readonly sha256: string;
  /** How many. */
  readonly pieces: number;
}

export interface Part extends PartRef {
  /** Its pieces. */
  readonly texts: () => readonly string[];
}

export interface Folded {
  /** What is stored at the record's own key. */
  readonly value: unknown;
  readonly parts: readonly Part[];
}

/** A record with null where its parts belong. */
interface FoldedRecord {
  readonly folded: 1;
  readonly value: unknown;
  readonly parts: readonly PartRef[];
}

/** A record is written again with every change, and its large fields are mostly the same objects: what was found out of them. */
const known = new WeakMap<object, { readonly size: number; part?: Pick<PartRef, 'sha256' | 'pieces'> }>();

/** Whether a record of this key may be kept in parts: of what is secret nothing is kept elsewhere. */
const mayFold = (key: string): boolean =>
  key.startsWith(keys.root) && !key.startsWith(keys.secretsOf('secret')) && !key.startsWith(keys.secretsOf('config'));

/** The value as it is stored; without parts it is itself. */
export function fold(key: string, value: unknown): Folded {
  return isCompound(value) && mayFold(key) && sizeOf(value) >= LARGE_RECORD ? inParts(value) : { value, parts: [] };
}

function inParts(whole: object): Folded {
  const parts: Part[] = [];
  const without = (value: unknown, at: Path): unknown => {
    if (!isCompound(value) || sizeOf(value) < LARGE_FIELD) return value;
    const isInner = (child: unknown): boolean => isCompound(child) && sizeOf(child) >= LARGE_FIELD;
    if (at.length > 0 && !Object.values(value).some(isInner)) {
      parts.push(partOf(value, at));
      return null;
    }
    if (Array.isArray(value)) return value.map((child: unknown, i) => without(child, [...at, i]));
    return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, without(child, [...at, name])]));
  };
  const rest = without(whole, []);
  const isSmall = sizeOf(rest) < LARGE_REST;
  const kept = isSmall ? parts : [partOf(whole, [])];
  const refs = kept.map(({ at, sha256, pieces }): PartRef => ({ at, sha256, pieces }));
  return { value: { folded: 1, value: isSmall ? rest : null, parts: refs } satisfies FoldedRecord, parts: kept };
}

function partOf(value: object, at: Path): Part {
  const texts = (): readonly string[] => {
    const data = packed(value);
    return Array.from({ length: Math.ceil(data.length / PIECE) }, (_, i) => data.slice(i * PIECE, (i + 1) * PIECE));
  };
  const before = known.get(value);
  if (before?.part !== undefined) return { at, ...before.part, texts };
  const data = packed(value);
  const part = { sha256: digest(data), pieces: Math.ceil(data.length / PIECE) };
  known.set(value, { size: sizeOf(value), part });
  return { at, ...part, texts };
}

const packed = (value: object): string => gzipSync(JSON.stringify(value)).toString('base64');

const isCompound = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** About as long as its JSON; escapes are left out. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length + 3;
  if (!isCompound(value)) return 5;
  const before = known.get(value);
  if (before !== undefined) return before.size;
  let size = 2;
  if (Array.isArray(value)) for (const child of value) size += sizeOf(child);
  else for (const [name, child] of Object.entries(value)) size += name.length + 3 + sizeOf(child);
  if (size >= LARGE_FIELD) known.set(value, { size });
  return size;
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The parts of what is stored at a record's key, its template among them; undefined: it has none, and is the record. */
export function partsIn(stored: unknown): readonly PartRef[] | undefined {
  const template = templateIn(stored);
  if (template !== undefined) return [templateRef(template)];
  return isFolded(stored) ? stored.parts : undefined;
}

/** A template as a part of its record. */
export const templateRef = (sha256: string): PartRef => ({ at: ['request'], sha256, pieces: 1 });

function isFolded(stored: unknown): stored is FoldedRecord {
  if (!isCompound(stored) || !('folded' in stored) || stored.folded !== 1) return false;
  return 'value' in stored && 'parts' in stored && Array.isArray(stored.parts) && stored.parts.every(isRef);
}

function isRef(ref: unknown): boolean {
  if (!isCompound(ref)) return false;
  const { at, sha256, pieces } = ref as Readonly<Record<string, unknown>>;
  const isStep = (step: unknown): boolean => typeof step === 'string' || (typeof step === 'number' && Number.isInteger(step));
  return (
    Array.isArray(at) &&
    at.every(isStep) &&
    typeof sha256 === 'string' &&
    Number.isInteger(pieces) &&
    Number(pieces) > 0 &&
    Number(pieces) <= MAX_PIECES
  );
}

/** The keys of a part's pieces, in their order. */
export const pieceKeys = ({ sha256, pieces }: Pick<PartRef, 'sha256' | 'pieces'>): readonly string[] =>
  Array.from({ length: pieces }, (_, i) => keys.piece(sha256, i));

/**
 * The record again, made in `stored`. `pieceAt` gives what is stored at a piece's key; `templates` is filled with those that were read, for the next record. Throws
 * an Error that says which part cannot be read.
 */
export function unfold(stored: unknown, pieceAt: (key: string) => unknown, templates = new Map<string, object>()): unknown {
  const template = templateIn(stored);
  if (template !== undefined) return withoutTemplate(stored, templates, () => pieceAt(keys.piece(template, 0)));
  if (!isFolded(stored)) return stored;
  let whole = stored.value;
  for (const part of stored.parts) whole = withPart(whole, part.at, readPart(part, pieceAt));
  return whole;
}

function readPart(part: PartRef, pieceAt: (key: string) => unknown): unknown {
  const where = `its part ${part.at.join('.') || 'of all'}`;
  const data = pieceKeys(part)
    .map((key) => String(pieceAt(key)))
    .join('');
  if (digest(data) !== part.sha256) throw new Error(`${where} is missing or damaged (${keys.parts}${part.sha256})`);
  return JSON.parse(gunzipSync(Buffer.from(data, 'base64'), { maxOutputLength: MAX_FIELD_BYTES }).toString());
}

/** With the part in its place, which holds null. */
function withPart(whole: unknown, [step, ...rest]: Path, part: unknown): unknown {
  if (step === undefined) return part;
  if (!isCompound(whole) || !Object.hasOwn(whole, step)) throw new Error(`it has no place for its part ${[step, ...rest].join('.')}`);
  const child: unknown = Object.getOwnPropertyDescriptor(whole, step)?.value;
  const value = withPart(child, rest, part);
  // never by assignment: a name may be __proto__
  return Object.defineProperty(whole, step, { value, enumerable: true, configurable: true, writable: true });
}
