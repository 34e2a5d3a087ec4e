/** A YAML file as plain data, with the line of each key. YAML 1.1 where compose-go reads that. */
import { isAlias, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, type ScalarTag, visit } from 'yaml';
import { ArpanetError } from '../model/index.ts';

export type Path = readonly (string | number)[];

/** A parsed YAML file that knows the line of each key. */
export interface Source {
  readonly file: string;
  readonly value: unknown;
  /** `compose.yml:12`: the line of the key at this path, or of the nearest key above it that the file has. */
  readonly at: (path: Path) => string;
  /** Where this file takes away what earlier ones have: `!reset` puts nothing in its place, `!override` its own value (compose-spec, 13-merge.md). */
  readonly replaced: readonly Path[];
}

/** `0440` is octal, as compose's YAML parser reads it (YAML 1.1; YAML 1.2 would take it for 440). */
const OCTAL: ScalarTag = {
  identify: () => false,
  default: true,
  tag: 'tag:yaml.org,2002:int',
  test: /^0[0-7]+$/,
  resolve: (digits) => Number.parseInt(digits, 8),
};

/** Throws `invalid` with file, line and column. */
export function parseSource(file: string, text: string): Source {
  const counter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: counter,
    merge: true,
    prettyErrors: false,
    customTags: (tags) => [OCTAL, ...tags],
  });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = counter.linePos(error.pos[0]);
    throw new ArpanetError('invalid', `${file}:${line}:${col}: ${error.message}`);
  }
  const replaced: Path[] = [];
  visit(document, {
    Pair(_, pair, ancestors) {
      const { tag = '' } = isNode(pair.value) ? pair.value : {};
      if (tag !== '!reset' && tag !== '!override') return undefined;
      const pairs = [...ancestors.filter((one) => isPair(one)), pair];
      replaced.push(pairs.map(({ key }) => (isScalar(key) ? String(key.value) : '')));
      return tag === '!reset' ? visit.REMOVE : undefined;
    },
  });
  const lineOf = (path: Path): number => {
    let node: unknown = document.contents;
    let offset = 0;
    for (const step of path) {
      if (isAlias(node)) node = node.resolve(document);
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
        if (pair === undefined) break;
        if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(step)];
        if (isScalar(node) || isMap(node) || isSeq(node)) offset = node.range?.[0] ?? offset;
      } else break;
    }
    return counter.linePos(offset).line;
  };
  return { file, replaced, value: document.toJS(), at: (path) => `${file}:${lineOf(path)}` };
}
