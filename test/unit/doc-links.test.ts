/** Every relative link of the documents leads to a file, and to a heading or a declaration in it; every path that they name exists. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, it } from 'node:test';
import { repository } from '../support/cluster/paths.ts';

const inFolder = (folder: string): readonly string[] =>
  readdirSync(join(repository, folder), { recursive: true }).map((leaf) => join(folder, String(leaf)));
const documents = [...readdirSync(repository), ...['docs', 'examples', 'test'].flatMap(inFolder)]
  .filter((path) => path.endsWith('.md'))
  .sort();

const read = (path: string) => readFileSync(join(repository, path), 'utf8');
/** Without code: `[x](y)` in a code block is no link. */
const prose = (text: string) => text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/^( {4}|\t).*$/gm, '');

/** The anchor that Markdown viewers give to a heading. */
const slug = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
const headings = (text: string) => [...prose(text).matchAll(/^#+ +(.+?) *$/gm)].map(([, heading = '']) => slug(heading));

/** A declaration, also inside a function, or a method of an object or class. */
function declares(text: string, name: string): boolean {
  const declaration = new RegExp(`^ *(export )?(default )?(async )?(function\\*?|const|class|interface|type|let) ${name}\\b`, 'm');
  const method = new RegExp(`^ +(async )?(readonly )?${name}(<[^>]*>)?(\\(.*\\{$|: (async )?(\\(|\\w+ =>|function))`, 'm');
  return declaration.test(text) || method.test(text);
}

interface Link {
  readonly document: string;
  readonly target: string;
}
const links = documents.flatMap((document): readonly Link[] =>
  [...prose(read(document)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => ({ document, target }))
    .filter(({ target }) => !/^[a-z]+:/.test(target)),
);

function whatIsWrong({ document, target }: Link): string | undefined {
  const [path = '', anchor] = target.split('#', 2);
  const file = path === '' ? document : normalize(join(dirname(document), path));
  if (relative('.', file).startsWith('..') || !existsSync(join(repository, file))) return `${document}: ${target} leads to no file`;
  if (anchor === undefined) return undefined;
  if (file.endsWith('.md')) return headings(read(file)).includes(anchor) ? undefined : `${document}: ${target} leads to no heading`;
  return declares(read(file), anchor) ? undefined : `${document}: ${file} declares no ${anchor}`;
}

describe('links in the documents', () => {
  it('lead to a file of the repository, and to a heading or a declaration in it', () => {
    assert.ok(links.length > 50, `${links.length} links were found`);
    assert.deepEqual(links.map(whatIsWrong).filter(Boolean), []);
  });

  it('name no file that does not exist', () => {
    const wrong = documents
      .filter((document) => document !== 'CHANGELOG.md')
      .flatMap((document) =>
        [...read(document).matchAll(/(?<![\w/.-])(?:src|test|scripts|bench|docs|examples)\/[\w./-]*\.(?:ts|mjs|md|ya?ml|sh|json)\b/g)]
          .map(([path]) => path)
          .filter((path) => !existsSync(join(repository, path)))
          .map((path) => `${document}: ${path}`),
      );
    assert.deepEqual(wrong, []);
  });

  it('name only npm scripts that exist, and those run files that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
    const wrong = documents.flatMap((document) =>
      [...read(document).matchAll(/\bnpm (?:run )?((?<=run )[\w:-]+|test\b|start\b)/g)]
        .map(([, name = '']) => name)
        .filter((name) => scripts[name] === undefined)
        .map((name) => `${document}: npm run ${name}`),
    );
    assert.deepEqual(wrong, []);
    const usual = ['dev', 'build', 'lint', 'format', 'test', 'test:unit', 'test:e2e', 'bench'];
    assert.deepEqual(
      usual.filter((name) => scripts[name] === undefined),
      [],
    );
    const files = Object.values(scripts).flatMap((line) => [...line.matchAll(/node (\S+)/g)].map(([, file = '']) => file));
    assert.ok(files.length >= usual.length - 2);
    assert.deepEqual(
      files.filter((file) => !existsSync(join(repository, file))),
      [],
    );
  });
});
