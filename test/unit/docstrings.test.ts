/** Doc comments: each documents the symbol below it, and every symbol that crosses a room has one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { definitionIn, isWithoutSource, kindsNotSaid, numbersWithoutUnit } from '../support/source/docstring-rules.ts';
import { hasDocstring, importsOf, reExportsOf, sourceFiles, strayDocComments } from '../support/source/source-files.ts';

const byPath = new Map(sourceFiles.map((file) => [file.path, file]));

/** Follows re-exports to the file that defines the name. Undefined: a package does. */
function definitionOf(from: string, name: string): string | undefined {
  const file = byPath.get(from);
  if (file === undefined) return undefined;
  const passedOn = reExportsOf(file).find((one) => one.name === name);
  return passedOn === undefined ? from : definitionOf(passedOn.from, name);
}

/** Names that a room's index.ts exports, or that another room imports, as `file name`. */
function crossingRooms(): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  const add = (from: string, name: string): void => {
    const path = definitionOf(from, name);
    if (path === undefined) return;
    const names = found.get(path) ?? new Set<string>();
    found.set(path, names.add(name));
  };
  for (const file of sourceFiles) {
    if (/^[^/]+\/index\.ts$/.test(file.path)) for (const { from, name } of reExportsOf(file)) add(from, name);
    for (const { from, name } of importsOf(file)) if (from.split('/')[0] !== file.room) add(from, name);
  }
  return found;
}

describe('doc comments', () => {
  it('stand directly on what they document', () => {
    assert.deepEqual(
      sourceFiles.flatMap((file) => strayDocComments(file).map((line) => `src/${file.path}:${line}`)),
      [],
    );
  });

  it('are above every symbol that crosses a room', () => {
    const missing = [...crossingRooms()].flatMap(([path, names]) => {
      const file = byPath.get(path);
      if (file === undefined) return [];
      return [...names].filter((name) => hasDocstring(file, name) === false).map((name) => `src/${path}: ${name}`);
    });
    assert.deepEqual(missing.toSorted(), []);
  });

  const crossing = [...crossingRooms()].flatMap(([path, names]) => {
    const file = byPath.get(path);
    // made of the OpenAPI document, field by field
    if (file === undefined || path === 'client/schemas.ts') return [];
    return [...names].flatMap((name) => {
      const definition = definitionIn(file, name);
      return definition === undefined ? [] : [{ at: `src/${path}: ${name}`, definition }];
    });
  });

  it('of what crosses a room say the unit of each number, unless its name does', () => {
    assert.ok(crossing.length > 200, `${crossing.length} exports cross a room`);
    assert.deepEqual(
      crossing.flatMap(({ at, definition }) => numbersWithoutUnit(definition).map((name) => `${at}: ${name}`)),
      [],
    );
  });

  it('of what crosses a room name the kinds of the errors that it throws', () => {
    assert.deepEqual(
      crossing.flatMap(({ at, definition }) => kindsNotSaid(definition).map((kind) => `${at} throws ${kind}`)),
      [],
    );
  });

  it('name the source of a rule that is Docker’s, an RFC’s or Compose’s', () => {
    assert.deepEqual(
      sourceFiles.filter(isWithoutSource).map(({ path }) => `src/${path}`),
      [],
    );
  });
});

describe('the rules for doc comments', () => {
  const inFile = (text: string, name = 'x') => {
    const found = definitionIn({ path: 'a/b.ts', room: 'a', text }, name);
    assert.ok(found !== undefined);
    return found;
  };

  it('find a number without a unit, in an interface and in a function', () => {
    const shape = (members: string) => numbersWithoutUnit(inFile(`/** A thing. */\nexport interface x {\n${members}}\n`));
    assert.deepEqual(shape('  readonly wait: number;\n  readonly waitMs: number;\n  readonly port: number;\n'), ['wait']);
    assert.deepEqual(shape('  /** Seconds since 1970. */\n  readonly time: number;\n'), []);
    const taken = (doc: string) =>
      numbersWithoutUnit(inFile(`/** ${doc} */\nexport function x(timeout: number): void {\n  void timeout;\n}\n`));
    assert.deepEqual([taken('Waits.'), taken('Waits, in ms.'), taken('Waits for `timeout`.')], [['timeout'], [], []]);
  });

  it('find a kind of error that is not named, but not one of a function inside', () => {
    const kinds = (doc: string, body: string) => kindsNotSaid(inFile(`/** ${doc} */\nexport function x(): void {\n${body}}\n`));
    const thrown = "  if (bad)\n    throw new ArpanetError('invalid', 'no');\n";
    assert.deepEqual([kinds('Does it.', thrown), kinds('Throws `invalid`.', thrown)], [['invalid'], []]);
    assert.deepEqual(kinds('Does it.', `  const inner = () => {\n${thrown}  };\n`), []);
  });

  it('find a file without a source', () => {
    const file = { path: 'dns/a.ts', room: 'dns', text: '/** Answers. */\n' };
    assert.deepEqual([isWithoutSource(file), isWithoutSource({ ...file, text: '/** RFC 1035. */\n' })], [true, false]);
  });
});
