// The program as all packages have it: the bundle, the one package that cannot be in it, and what is made from the commands and settings.
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { bundleProgram, root } from '../build.mjs';
import { must } from './archive.mjs';

/** The native store and what it loads. node-addon-api is for those who compile it. */
const NATIVE = ['lmdb', '@lmdb/lmdb-linux-x64'];
const NOT_LOADED = new Set(['node-addon-api']);
/** Of such a package: what is loaded, and its licence. */
const SKIPPED_FOLDERS = new Set(['dependencies', 'src', 'test', 'tests', 'bin', 'assets', 'node_modules']);
const isKept = (path) =>
  /^LICEN[CS]E|^package\.json$|\.(c?js|node|txt)$/.test(basename(path)) &&
  !/\.min\.js$|(rollup\.config|test|test-worker|build-test)\.js$/.test(basename(path));

const read = (...parts) => readFileSync(join(root, ...parts), 'utf8');

function write(path, text, mode = 0o644) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
}

/** The bundle of src, and the texts that the program itself prints: `{ dist, manual, completion, samples }`. */
export function compile(dir) {
  const top = join(dir, 'program');
  bundleProgram(join(top, 'dist'));
  write(join(top, 'package.json'), `${JSON.stringify({ ...described(), type: 'module' })}\n`);
  const print = (...args) =>
    must(process.execPath, [join(top, 'dist/cli/main.js'), ...args], { cwd: top, env: { PATH: process.env.PATH } });
  return {
    dist: join(top, 'dist'),
    manual: print('man'),
    completion: { bash: print('completion', 'bash'), zsh: print('completion', 'zsh'), fish: print('completion', 'fish') },
    sample: (...args) => print('config', 'sample', ...args),
  };
}

function described() {
  const { name, version, description, keywords, license, author, engines } = JSON.parse(read('package.json'));
  return { name, version, description, keywords, license, author, engines };
}

/** The program in `top`. `everyNode`: with the native store for every version of Node, else for the one that comes along. */
export function stageProgram(top, compiled, { everyNode }) {
  cpSync(compiled.dist, join(top, 'dist'), { recursive: true });
  stageNative(join(top, 'dist/node_modules'), everyNode);
  chmodSync(join(top, 'dist/cli/main.js'), 0o755);
  // what other programs import is of npm's package
  const exported = everyNode ? { exports: JSON.parse(read('package.json')).exports } : {};
  if (everyNode) cpSync(join(root, 'client'), join(top, 'client'), { recursive: true });
  const manifest = {
    ...described(),
    type: 'module',
    bin: { arpanet: 'dist/cli/main.js' },
    ...exported,
    man: ['share/man/man1/arpanet.1'],
  };
  write(join(top, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  write(join(top, 'LICENSE'), read('LICENSE'));
  write(join(top, 'LICENSES.third-party'), thirdParties());
  write(join(top, 'CHANGELOG.md'), read('CHANGELOG.md'));
  write(join(top, 'share/man/man1/arpanet.1'), compiled.manual);
  for (const [shell, text] of Object.entries(compiled.completion)) write(join(top, `share/completion/arpanet.${shell}`), text);
  for (const process of ['scheduler', 'agent']) write(join(top, `share/config/${process}.yaml`), compiled.sample(process));
}

/** Node and the start script, so that nothing else is needed. `top`: where stageProgram put the program. */
export function stageRuntime(top, { node, licence }) {
  cpSync(node, join(mkdir(join(top, 'bin')), 'node'));
  chmodSync(join(top, 'bin/node'), 0o755);
  write(join(top, 'bin/LICENSE.node'), readFileSync(licence, 'utf8'));
  const start = `#!/bin/sh
# arpanet with the Node that came with it, wherever this folder is, and through links to this file
here=$(dirname "$(readlink -f "$0")")
# Deprecations are for those who write programs: some packages in the bundle are older than this Node.
# V8's nursery small (MB) for what runs for long. Short commands have no flag of V8's: with one, Node compiles its own code again at each start.
case "$1" in up|scheduler|agent) nursery=--max-semi-space-size=4 ;; *) nursery= ;; esac
exec "$here/node" --no-deprecation $nursery "$here/../dist/cli/main.js" "$@"
`;
  write(join(top, 'bin/arpanet'), start, 0o755);
  // for machines that join by what a scheduler hands on, and for who unpacks this by hand
  for (const process of ['agent', 'scheduler', 'boot'])
    write(join(top, `lib/systemd/arpanet-${process}.service`), read(`scripts/packaging/systemd/arpanet-${process}.service`));
}

function mkdir(path) {
  mkdirSync(path, { recursive: true });
  return path;
}

/** These packages and all that they need, by name. */
function withDependencies(packages) {
  const names = new Set();
  const add = (name) => {
    const from = join(root, 'node_modules', name);
    if (names.has(name) || NOT_LOADED.has(name) || !existsSync(from)) return;
    names.add(name);
    for (const dependency of Object.keys(JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')).dependencies ?? {})) add(dependency);
  };
  for (const name of packages) add(name);
  return [...names].toSorted((one, other) => (one < other ? -1 : 1));
}

/** The licences of the packages that the bundle has parts of: all but what makes it. */
function thirdParties() {
  const bundled = Object.keys(JSON.parse(read('package.json')).dependencies).filter((name) => name !== 'esbuild');
  return withDependencies([...bundled, ...NATIVE])
    .map((name) => {
      const from = join(root, 'node_modules', name);
      const { version, license } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
      const leaf = readdirSync(from).find((entry) => /^LICEN[CS]E/i.test(entry));
      return `${name} ${version} (${license})\n\n${leaf === undefined ? '' : readFileSync(join(from, leaf), 'utf8').trim()}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}

function stageNative(into, everyNode) {
  for (const name of withDependencies(NATIVE)) copyKept(join(root, 'node_modules', name), join(into, name), everyNode);
}

function copyKept(from, to, everyNode) {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const path = join(from, entry.name);
    if (entry.isDirectory()) {
      if (!SKIPPED_FOLDERS.has(entry.name) && !entry.name.startsWith('.')) copyKept(path, join(to, entry.name), everyNode);
    } else if (isKept(path) && (everyNode || !path.endsWith('.node') || path.endsWith('node.napi.glibc.node'))) {
      mkdir(to);
      writeFileSync(join(to, entry.name), readFileSync(path));
      chmodSync(join(to, entry.name), 0o644);
    }
  }
}
