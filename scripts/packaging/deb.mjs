// The Debian package, of a folder that has the program in usr/lib/arpanet already.
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { must } from './archive.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const part = (...path) => readFileSync(join(here, ...path), 'utf8');

/** The settings with which the services start, until an administrator changes them. */
const SETTINGS = {
  scheduler: ['listen=tcp://127.0.0.1:2375', 'store=embedded:/var/lib/arpanet/scheduler'],
  agent: ['data=/var/lib/arpanet/agent'],
};

/** `before` is called when all files are in place. `epoch`: seconds since 1970. Throws when dpkg-deb fails. */
export function makeDeb(dir, { file, version, epoch, sample, before }) {
  const write = (path, text, mode = 0o644) => {
    const to = join(dir, path);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, text);
    chmodSync(to, mode);
  };
  const gzip = (text) => gzipSync(text, { level: 9 });
  const lib = join(dir, 'usr/lib/arpanet');
  mkdirSync(join(dir, 'usr/bin'), { recursive: true });
  symlinkSync('../lib/arpanet/bin/arpanet', join(dir, 'usr/bin/arpanet'));
  write('usr/share/man/man1/arpanet.1.gz', gzip(readFileSync(join(lib, 'share/man/man1/arpanet.1'))));
  mkdirSync(join(dir, 'usr/share/bash-completion/completions'), { recursive: true });
  renameSync(join(lib, 'share/completion/arpanet.bash'), join(dir, 'usr/share/bash-completion/completions/arpanet'));
  mkdirSync(join(dir, 'usr/share/fish/vendor_completions.d'), { recursive: true });
  renameSync(join(lib, 'share/completion/arpanet.fish'), join(dir, 'usr/share/fish/vendor_completions.d/arpanet.fish'));
  rmSync(join(lib, 'share'), { recursive: true });
  for (const name of ['scheduler', 'agent', 'boot'])
    write(`lib/systemd/system/arpanet-${name}.service`, part('systemd', `arpanet-${name}.service`));
  // not in etc: dpkg would ask about it at each release that has another option
  for (const name of ['scheduler', 'agent']) write(`usr/share/arpanet/${name}.yaml`, sample(name, ...SETTINGS[name]));
  write('etc/logrotate.d/arpanet', part('debian', 'logrotate'));
  const licence = readFileSync(join(lib, 'LICENSE'), 'utf8').trim().split('\n').slice(2).join('\n').trim();
  const indented = licence
    .split('\n')
    .map((line) => ` ${line.trim() || '.'}`)
    .join('\n');
  write('usr/share/doc/arpanet/copyright', part('debian', 'copyright').replace('@LICENCE@', indented));
  write('usr/share/doc/arpanet/changelog.gz', gzip(changelog(version, epoch)));
  write('usr/share/doc/arpanet/NEWS.gz', gzip(readFileSync(join(lib, 'CHANGELOG.md'))));
  for (const leaf of ['LICENSE', 'CHANGELOG.md']) rmSync(join(lib, leaf));
  write('usr/share/lintian/overrides/arpanet', part('debian', 'lintian-overrides'));
  before();
  const files = filesOf(dir);
  const bytes = files.reduce((sum, path) => sum + statSync(join(dir, path)).size, 0);
  write(
    'DEBIAN/control',
    part('debian', 'control')
      .replace('@VERSION@', version)
      .replace('@SIZE@', String(Math.ceil(bytes / 1024))),
  );
  write('DEBIAN/conffiles', '/etc/logrotate.d/arpanet\n');
  for (const script of ['postinst', 'prerm', 'postrm']) write(`DEBIAN/${script}`, part('debian', script), 0o755);
  write(
    'DEBIAN/md5sums',
    must(
      'md5sum',
      files.filter((path) => !path.startsWith('etc/')),
      { cwd: dir },
    ),
  );
  must('chmod', ['-R', 'u=rwX,go=rX', join(dir, 'usr'), join(dir, 'lib')]);
  must('chmod', ['0755', dir, join(dir, 'etc'), join(dir, 'etc/logrotate.d'), join(dir, 'DEBIAN')]);
  // One thread: xz gives other bytes on several. Level 1: of Node's binary the higher ones save little, for minutes.
  must('dpkg-deb', ['--root-owner-group', '--threads-max=1', '-Zxz', '-z1', '--build', dir, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
  });
  return file;
}

/** All files below a folder, sorted, relative to it; links are not files. */
function filesOf(dir) {
  return readdirSync(dir, { recursive: true })
    .map(String)
    .filter((path) => statSync(join(dir, path)).isFile())
    .filter((path) => path !== 'usr/bin/arpanet')
    .sort();
}

function changelog(version, epoch) {
  const date = new Date(epoch * 1000).toUTCString().replace('GMT', '+0000');
  const [, maintainer] = /^Maintainer: (.+)$/m.exec(part('debian', 'control')) ?? [];
  return `arpanet (${version}) unstable; urgency=medium\n\n  * What changed for users is in NEWS.gz.\n\n -- ${maintainer}  ${date}\n`;
}
