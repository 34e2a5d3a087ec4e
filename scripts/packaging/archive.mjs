// A folder as .tar.gz whose bytes depend on its files alone: sorted, owned by root, of one age.
import { spawnSync } from 'node:child_process';

export const must = (command, args, options = {}) => {
  const { status, stderr, error, stdout } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
  return stdout;
};

/** What is in `dir`, as `file`. `epoch`: seconds since 1970. `isZipped`: by gzip. */
export function archive(dir, file, epoch, { isZipped = true } = {}) {
  const tar = [
    '--sort=name',
    `--mtime=@${epoch}`,
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mode=u=rwX,go=rX',
    '--format=ustar',
    '-C',
    dir,
    '-cf',
    '-',
  ];
  const script = isZipped ? 'tar "$@" | gzip -n -6 > "$0"' : 'tar "$@" > "$0"';
  // Names without "./": npm and people see them.
  const names = must('ls', ['-A', dir]).trim().split('\n').sort();
  must('bash', ['-o', 'pipefail', '-c', script, file, ...tar, ...names], { env: { ...process.env, LC_ALL: 'C' } });
  return file;
}
