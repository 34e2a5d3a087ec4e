// Test files as JavaScript, with what they use of test, src and scripts: such a process starts in a fifth of the time of one that compiles.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const root = join(import.meta.dirname, '..', '..');
/** Within the repository: what runs there finds the packages. */
const folder = join(root, '.arpanet', 'compiled');

/** Starts another program from beside it: that of the build, as these processes know no TypeScript. */
const STARTS_PROGRAM = join(root, 'src', 'store', 'embedded', 'damage.ts');

/** A module that asks where it is gets the place of its source. */
const places = {
  name: 'places',
  setup(build) {
    build.onLoad({ filter: /\.(ts|mjs)$/, namespace: 'file' }, ({ path }) => {
      if (path.includes('/node_modules/')) return undefined;
      const place = STARTS_PROGRAM === path ? join(root, 'dist', 'chunks', 'built.js') : path;
      const contents = readFileSync(path, 'utf8')
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(place).href))
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(place)));
      return { contents, loader: path.endsWith('.ts') ? 'ts' : 'js' };
    });
  },
};

/**
 * @param {readonly string[]} files from the repository's root
 * @returns {Promise<{ paths: readonly string[], sourceOf: (path: string) => string | undefined, remove: () => void }>} `paths`: of `files`, in their
 *   order. Throws what is wrong with them.
 */
export async function compileTests(files) {
  mkdirSync(folder, { recursive: true });
  const dir = mkdtempSync(join(folder, `${process.pid}-`));
  const paths = files.map((file) => join(dir, file.replace(/\.ts$/, '.js')));
  const sources = new Map(paths.map((path, index) => [path, join(root, files[index])]));
  // Not an import: on a fresh clone the packages are installed after this file is loaded.
  await require('esbuild').build({
    absWorkingDir: root,
    entryPoints: [...files],
    outbase: root,
    outdir: dir,
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    sourcemap: true,
    sourcesContent: false,
    // tests import files for what they do, too
    ignoreAnnotations: true,
    logLevel: 'silent',
    plugins: [places],
  });
  return { paths, sourceOf: (path) => sources.get(path), remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** What runs left that were killed. `isAlive`: whether a process is. */
export function removeCompiled(isAlive) {
  mkdirSync(folder, { recursive: true });
  for (const leaf of readdirSync(folder))
    if (!isAlive(Number.parseInt(leaf, 10))) rmSync(join(folder, leaf), { recursive: true, force: true });
}
