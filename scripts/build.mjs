// The build of src into dist, for every script that starts the product. Given FROM and TO, the build of one program of the tests.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const filesOf = (dir) =>
  existsSync(dir)
    ? readdirSync(dir, { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    : [];

/** When the newest file of a folder was changed, in ms since 1970, and how many files there are: it changes when any file does. */
export function stateOf(dir) {
  const files = filesOf(dir);
  return { newestMs: Math.max(0, ...files.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0)), count: files.length };
}

/** The programs below dist, and what each is made from. A part of src that several use, or that is loaded late, is a file below dist/chunks. */
const PROGRAMS = { 'cli/main': 'src/cli/main.ts', 'store/embedded/read-whole': 'src/store/embedded/read-whole.ts' };

/**
 * One file with its packages starts twice as fast as several hundred. Not in it: lmdb, which is a native module with files of its own, and
 * what docker-modem asks for only if it is there. Source maps, because the process's net reads from a stack which room an error came from.
 */
const OPTIONS = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  external: ['lmdb', 'ssh2', 'cpu-features'],
  // Packages in CommonJS ask for Node's modules by `require`, which a module has not.
  banner: { js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);" },
  // A tenth less to read and compile at each start. Names stay: logs and profiles have them.
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
};

/** The dashboard's files, each script with all that it uses. Returns their paths. */
function bundlePage(outdir) {
  const ui = join(root, 'src', 'operator-api', 'ui');
  const options = JSON.parse(readFileSync(join(ui, 'bundle.json'), 'utf8'));
  const { metafile } = bundle({ ...options, absWorkingDir: join(ui, 'page'), outdir, metafile: true, logLevel: 'warning' });
  return Object.keys(metafile.outputs).map((path) => join(ui, 'page', path));
}

/** What machines run that join. Returns its path. */
function copyScript(outdir) {
  const copy = join(outdir, 'join.sh');
  copyFileSync(join(root, 'src', 'operator-api', 'joining', 'join.sh'), copy);
  return copy;
}

/** Not an import: on a fresh clone the packages are installed after this file is loaded. */
const bundle = (options) => require('esbuild').buildSync(options);

/**
 * The schemas of compose files as functions, in a file of their own: what src/compose/validators.ts would make of them at each start. Returns its
 * path. What it says of itself needs no machine: two builds are the same.
 */
function compileSchemas() {
  const program = `
    import { compilerOf } from './src/compose/validators.ts';
    import standalone from 'ajv/dist/standalone/index.js';
    const code = standalone.default(compilerOf({ source: true, esm: true }), { fig: 'fig', spec: 'spec' });
    process.stdout.write(code + '; export const validatorOf = (form) => (form === "fig" ? fig : spec);');`;
  const stdin = { contents: program, resolveDir: root };
  const [maker] = bundle({ ...OPTIONS, stdin, outfile: 'made.mjs', sourcemap: false, write: false }).outputFiles;
  const path = join(root, 'dist', 'compose-validators.mjs');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, execFileSync(process.execPath, ['--input-type=module'], { input: maker.text, cwd: root, maxBuffer: 64 << 20 }));
  return path;
}

/** Bundles src into dist (no types are checked: `npm run types` does) and deletes output of earlier builds. Messages go to stderr. True if it compiled. */
export function build() {
  const dist = join(root, 'dist');
  try {
    const { metafile } = bundle({
      ...OPTIONS,
      alias: { '#compose-validators': compileSchemas() },
      entryPoints: Object.entries(PROGRAMS).map(([out, from]) => ({ in: from, out })),
      outdir: 'dist',
      splitting: true,
      chunkNames: 'chunks/[name]-[hash]',
      metafile: true,
    });
    const made = new Set([
      ...Object.keys(metafile.outputs).map((path) => join(root, path)),
      ...bundlePage(join(dist, 'ui')),
      copyScript(dist),
    ]);
    for (const file of filesOf(dist)) if (!made.has(file)) rmSync(file);
    return true;
  } catch (error) {
    // esbuild has printed its own
    if (!Array.isArray(error.errors)) console.error(`build: ${error.message}`);
    return false;
  }
}

/** The same build in another folder, the same bytes on every machine: links in node_modules are not followed. Throws if it does not compile. */
export function bundleProgram(outdir) {
  const entryPoints = Object.entries(PROGRAMS).map(([out, from]) => ({ in: from, out }));
  const schemas = compileSchemas();
  bundle({
    ...OPTIONS,
    alias: { '#compose-validators': schemas },
    entryPoints,
    outbase: root,
    outdir: join(root, 'dist'),
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    preserveSymlinks: true,
    write: false,
  }).outputFiles.forEach(({ path, contents }) => {
    const file = join(outdir, relative(join(root, 'dist'), path));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, contents);
  });
  rmSync(schemas);
  bundlePage(join(outdir, 'ui'));
  copyScript(outdir);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [from, to] = process.argv.slice(2);
  // A program of the tests, with what it uses of src, as one file. A build of src leaves no such file behind.
  if (from !== undefined) bundle({ ...OPTIONS, entryPoints: [from], outfile: to });
  else process.exit(build() ? 0 : 1);
}
