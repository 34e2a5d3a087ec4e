/** What BuildKit says while it builds, as lines for a person. Pure. */
import protobuf from 'protobufjs/minimal.js';

const TRACE = 'moby.buildkit.trace';

export interface BuildProgress {
  /** What a line of the answer of `POST /build` says: steps as they begin or are found in the cache, and what their commands print. */
  readonly linesOf: (message: unknown) => readonly string[];
}

/** Remembers which steps it named: BuildKit sends each of them many times. */
export function createBuildProgress(): BuildProgress {
  const named = new Set<string>();
  return {
    linesOf(message) {
      const { id, aux, stream } = (typeof message === 'object' && message !== null ? message : {}) as Readonly<Record<string, unknown>>;
      if (typeof stream === 'string') return shown(stream);
      if (id !== TRACE || typeof aux !== 'string') return [];
      const { steps, logs } = statusIn(Buffer.from(aux, 'base64'));
      const begun = steps.filter(({ digest, hasBegun }) => hasBegun && !named.has(digest));
      for (const { digest } of begun) named.add(digest);
      return [
        ...begun.filter(({ name }) => !name.startsWith('[internal]')).map(({ name, isCached }) => `${name}${isCached ? ' (cached)' : ''}`),
        ...logs.flatMap(shown),
      ];
    },
  };
}

const shown = (text: string): readonly string[] =>
  text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter(Boolean);

interface Status {
  readonly steps: readonly { readonly digest: string; readonly name: string; readonly isCached: boolean; readonly hasBegun: boolean }[];
  readonly logs: readonly string[];
}

/** Source: moby/buildkit, api/services/control/control.proto: StatusResponse, Vertex, VertexLog. */
function statusIn(bytes: Uint8Array): Status {
  const steps: Status['steps'][number][] = [];
  const logs: string[] = [];
  for (const [field, value] of fieldsOf(bytes)) {
    if (!(value instanceof Uint8Array)) continue;
    const inner = new Map(fieldsOf(value));
    if (field === 1)
      steps.push({ digest: textIn(inner.get(1)), name: textIn(inner.get(3)), isCached: inner.get(4) === 1, hasBegun: inner.has(5) });
    if (field === 3) logs.push(textIn(inner.get(4)));
  }
  return { steps, logs };
}

const textIn = (value: unknown): string => (value instanceof Uint8Array ? Buffer.from(value).toString() : '');

/** Numbers as they are, all else as its bytes. Source: protobuf.dev/programming-guides/encoding. */
function* fieldsOf(bytes: Uint8Array): Generator<readonly [field: number, value: Uint8Array | number | undefined]> {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const [field, type] = [tag >>> 3, tag & 7];
    if (type === 2) yield [field, reader.bytes()];
    else if (type === 0) yield [field, Number(reader.int64())];
    else {
      reader.skipType(type);
      yield [field, undefined];
    }
  }
}
