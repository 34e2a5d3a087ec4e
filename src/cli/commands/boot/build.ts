/** `arpanet boot build`. Effects: those of the build, the terminal; reads which sources this machine's apt has. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildImage, IMAGE_FILES, kernelWords, packageNames } from '../../../boot/index.ts';
import { VERSION } from '../../../config/version.ts';
import { ArpanetError } from '../../../model/errors.ts';
import { formatBytes } from '../../../text/size.ts';
import type { Terminal } from '../../command.ts';
import { endSignal } from '../processes/end-signal.ts';

export interface BuildFlags {
  readonly out: string;
  readonly kernel: string;
  readonly include?: readonly string[];
  readonly files?: string;
  readonly cmdline: string;
  readonly mirror?: string;
  readonly json?: boolean;
}

/** Of the program in the build: the folder with its Node. */
const PROGRAM = fileURLToPath(new URL('../../', import.meta.url));
const APT = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'];

/** Throws `invalid` for flags that cannot be read, `unsupported` for what is missing here, `unavailable` where a program fails. */
export async function buildBootImage(
  { out, kernel, include = [], files, cmdline, mirror, json }: BuildFlags,
  terminal: Terminal,
): Promise<void> {
  packageNames([kernel]);
  if (files !== undefined && !existsSync(files)) throw new ArpanetError('invalid', `--files is "${files}": there is no such folder`);
  if (mirror !== undefined && !/^https?:\/\/\S+$/.test(mirror))
    throw new ArpanetError('invalid', `--mirror is "${mirror}": it is the URL of a mirror of Debian, as http://deb.debian.org/debian`);
  const request = {
    out,
    program: PROGRAM,
    version: VERSION,
    packages: packageNames(include),
    kernel,
    words: kernelWords(cmdline),
    sources: mirror === undefined ? ownSources() : [mirror],
    nowMs: Date.now(),
    env: terminal.env,
    signal: endSignal(),
    ...(files !== undefined && { files }),
  };
  const manifest = await buildImage(request, terminal.say);
  const sizes = IMAGE_FILES.map((name) => `${name} ${formatBytes(manifest.files[name].bytes)}`).join(', ');
  terminal.out(
    json === true
      ? `${JSON.stringify({ dir: out, ...manifest }, undefined, 2)}\n`
      : `the image is in ${out}: ${sizes}. "arpanet boot --interface NAME" serves it\n`,
  );
}

/** Empty: mmdebstrap's own. */
const ownSources = (): readonly string[] =>
  APT.filter((file) => existsSync(file) && /\bbookworm\b/.test(readFileSync(file, 'utf8'))).slice(0, 1);
