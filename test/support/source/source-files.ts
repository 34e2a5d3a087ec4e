/** The TypeScript files of src/ with what tests of the source look at: imports, exports, doc comments. Effects: reads files. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { repository } from '../cluster/paths.ts';

const src = join(repository, 'src');

export interface SourceFile {
  /** Below src/: `dhcp/allocator.ts`. */
  readonly path: string;
  /** Its first folder. */
  readonly room: string;
  readonly text: string;
}

export interface ImportedName {
  /** The file that is imported, below src/. */
  readonly from: string;
  readonly name: string;
}

export const sourceFiles: readonly SourceFile[] = readdirSync(src, { recursive: true })
  .map(String)
  .filter((path) => path.endsWith('.ts'))
  .toSorted()
  .map((path) => ({ path, room: path.split('/')[0] ?? '', text: readFileSync(join(src, path), 'utf8') }));

/** The names in `{ a, type B, c as d }`, as the other file calls them. */
const namesIn = (braces: string): readonly string[] =>
  braces
    .split(',')
    .map((part) =>
      part
        .trim()
        .replace(/^type\s+/, '')
        .replace(/\s+as\s+.*$/, ''),
    )
    .filter((name) => name !== '');

function named(file: SourceFile, statement: RegExp): readonly ImportedName[] {
  return [...file.text.matchAll(statement)].flatMap(([, braces = '', from = '']) => {
    const target = relative(src, normalize(join(src, dirname(file.path), from)));
    return namesIn(braces).map((name) => ({ from: target, name }));
  });
}

/** `import { a } from './b.ts'` and `import type { a } from './b.ts'`; packages are left out. */
export const importsOf = (file: SourceFile): readonly ImportedName[] =>
  named(file, /^import\s+(?:type\s+)?\{([^}]*)\}\s+from\s+'(\.[^']+)'/gm);

/** `export { a } from './b.ts'`. */
export const reExportsOf = (file: SourceFile): readonly ImportedName[] =>
  named(file, /^export\s+(?:type\s+)?\{([^}]*)\}\s+from\s+'(\.[^']+)'/gm);

/** Line numbers (from 1) of doc comments that document nothing: another doc comment, an empty line or a closing brace follows. The file's header may. */
export function strayDocComments({ text }: SourceFile): readonly number[] {
  const header = /^(#!.*\n)?\/\*\*/.exec(text) === null ? -1 : text.indexOf('/**');
  return [...text.matchAll(/^[ \t]*\/\*\*[\s\S]*?\*\/[ \t]*\n?/gm)].flatMap((match) => {
    const start = match.index + match[0].indexOf('/**');
    if (start === header) return [];
    const rest = text.slice(match.index + match[0].length);
    return /^[ \t]*(\/\*\*|\n|\}|$)/.test(rest) ? [text.slice(0, start).split('\n').length] : [];
  });
}

/** Whether the definition of an exported name has a doc comment directly above it; undefined: the file does not define it. */
export function hasDocstring({ text }: SourceFile, name: string): boolean | undefined {
  const definition = new RegExp(
    `^(?:export\\s+)?(?:declare\\s+)?(?:abstract\\s+)?(?:async\\s+)?(?:function\\*?|const|let|class|interface|type)\\s+${name.replaceAll('$', '\\$')}\\b`,
    'm',
  ).exec(text);
  if (definition === null) return undefined;
  return /\*\/[ \t]*\n$/.test(text.slice(0, definition.index));
}
