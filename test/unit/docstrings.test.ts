/** Doc comments: each documents the symbol below it, and every symbol that crosses a room has one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
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
});
