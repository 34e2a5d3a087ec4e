// The Node that packages carry: from its npm package, by the npm client, and only with the checksums that are kept beside this file.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../build.mjs';
import { must } from './archive.mjs';

const wanted = JSON.parse(readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'node-program.json'), 'utf8'));
const digest = (algorithm, file, encoding) => createHash(algorithm).update(readFileSync(file)).digest(encoding);

/** `{ node, licence, version }`: paths of the program and its licence. Fetched once; throws when a checksum differs. */
export function nodeProgram() {
  const tools = process.env.ARPANET_TOOLS ?? join(root, '.arpanet', 'tools');
  const dir = join(tools, `${wanted.package}-${wanted.version}`);
  if (!existsSync(join(dir, 'package/bin/node'))) fetchInto(dir);
  const node = join(dir, 'package/bin/node');
  if (digest('sha256', node, 'hex') !== wanted.sha256)
    throw new Error(`${node} does not have the sha256 in node-program.json: remove ${dir}`);
  return { node, licence: join(dir, 'package/LICENSE'), version: wanted.version };
}

function fetchInto(dir) {
  const partial = `${dir}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  must('npm', ['pack', `${wanted.package}@${wanted.version}`, '--silent', '--pack-destination', partial], { cwd: root });
  const file = join(partial, `${wanted.package}-${wanted.version}.tgz`);
  if (`sha512-${digest('sha512', file, 'base64')}` !== wanted.integrity)
    throw new Error(`${wanted.package}@${wanted.version} does not have the checksum in node-program.json`);
  must('tar', ['-xzf', file, '-C', partial, 'package/bin/node', 'package/LICENSE']);
  rmSync(file);
  renameSync(partial, dir);
}
