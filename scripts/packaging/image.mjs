// The container image: one tar that `docker load` takes, of any Engine, and that is an OCI layout as well. A layer of Debian's files, and one of the program.
// Debian's packages come by the apt of this machine, which checks their signatures; no registry is asked.
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { archive, must } from './archive.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** Node's libraries, what an agent runs (ip, bridge, iptables, ebtables, nsenter), a shell, and what hands the package on (tar, gzip). With all that these need. */
const DEBIAN =
  `base-files netbase dash coreutils grep tar gzip util-linux iproute2 iptables ebtables libc6 libgcc-s1 libstdc++6 libcrypt1 zlib1g libacl1 libattr1 libgmp10
  libselinux1 libpcre2-8-0 libpcre3 libcap-ng0 libcap2 libbpf1 libbsd0 libmd0 libdb5.3 libelf1 libmnl0 libxtables12 libip4tc2 libip6tc2 libnetfilter-conntrack3
  libnfnetlink0 libnftnl11`.split(/\s+/);
/** Of packages that have much more. */
const ONLY = { 'util-linux': /^usr\/bin\/(nsenter|setpriv|unshare)$/ };
const SKIPPED = /^usr\/share\/(?!doc\/[^/]+\/copyright$|iptables\/)|^(usr\/)?(lib\/systemd|lib\/udev|games)\/|\/(gconv|bash-completion)\//;
const ENTRY = '/usr/lib/arpanet/entry';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const iso = (epoch) => new Date(epoch * 1000).toISOString().replace('.000', '');

/** Whether the apt of this machine has the packages by these names: Debian 12. */
export const canMakeImage = () =>
  existsSync('/etc/os-release') && /^VERSION_CODENAME="?bookworm"?$/m.test(readFileSync('/etc/os-release', 'utf8'));

/** `stage(top)` puts the program below a folder. `epoch`: seconds since 1970. Returns the path. Throws on what is not Debian 12, and when apt or tar fails. */
export function makeImage(scratch, { file, version, epoch, stage }) {
  if (!canMakeImage()) throw new Error("the image has files of Debian 12's packages: make it on Debian 12 (bookworm)");
  const debian = join(scratch, 'debian');
  const program = join(scratch, 'program');
  unpackDebian(join(scratch, 'debs'), debian);
  stage(join(program, 'usr/lib/arpanet'));
  finish(debian, program);
  const layers = [debian, program].map((dir) => layer(dir, `${dir}.tar.gz`, epoch));
  const config = Buffer.from(JSON.stringify(configOf(version, epoch, layers)));
  const layout = join(scratch, 'layout');
  const blob = (bytes) => {
    mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
    const digest = sha256(bytes);
    writeFileSync(join(layout, 'blobs/sha256', digest), bytes);
    return { digest: `sha256:${digest}`, size: bytes.length };
  };
  const type = (what) => `application/vnd.oci.image.${what}`;
  const parts = layers.map(({ bytes }) => ({ mediaType: type('layer.v1.tar+gzip'), ...blob(bytes) }));
  const described = { mediaType: type('config.v1+json'), ...blob(config) };
  const manifest = { schemaVersion: 2, mediaType: type('manifest.v1+json'), config: described, layers: parts };
  const tag = `arpanet:${version}`;
  const top = {
    mediaType: type('manifest.v1+json'),
    ...blob(Buffer.from(JSON.stringify(manifest))),
    platform: { architecture: 'amd64', os: 'linux' },
    annotations: { 'io.containerd.image.name': `docker.io/library/${tag}`, 'org.opencontainers.image.ref.name': version },
  };
  const path = ({ digest }) => `blobs/${digest.replace(':', '/')}`;
  const write = (name, value) => writeFileSync(join(layout, name), JSON.stringify(value));
  write('oci-layout', { imageLayoutVersion: '1.0.0' });
  write('index.json', { schemaVersion: 2, mediaType: type('index.v1+json'), manifests: [top] });
  // as `docker save` writes it (moby image/tarexport): Engines before 25 read nothing else
  write('manifest.json', [{ Config: path(described), RepoTags: [tag], Layers: parts.map(path) }]);
  return archive(layout, file, epoch, { isZipped: false });
}

function unpackDebian(debs, root) {
  mkdirSync(debs, { recursive: true });
  must('apt-get', ['download', '-o', 'APT::Sandbox::User=root', ...DEBIAN], { cwd: debs });
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(root, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  for (const deb of readdirSync(debs).sort()) {
    const all = must('bash', ['-o', 'pipefail', '-c', 'dpkg-deb --fsys-tarfile "$0" | tar -t', deb], { cwd: debs }).split('\n');
    const only = ONLY[deb.split('_')[0]];
    const names = all.filter((name) => {
      const path = name.replace(/^\.\//, '').replace(/^(bin|sbin|lib|lib64)\//, 'usr/$1/');
      return (
        path !== '' && !path.endsWith('/') && !SKIPPED.test(path) && (only === undefined || only.test(path) || path.endsWith('/copyright'))
      );
    });
    const list = join(debs, '..', 'names');
    writeFileSync(list, names.join('\n'));
    must(
      'bash',
      ['-o', 'pipefail', '-c', 'dpkg-deb --fsys-tarfile "$0" | tar -x --keep-directory-symlink -C "$1" -T "$2"', deb, root, list],
      { cwd: debs },
    );
  }
}

/** What the packages' own scripts would do, and the start of a container. */
function finish(debian, program) {
  for (const dir of ['tmp', 'run', 'etc', 'root', 'var/lib/arpanet']) mkdirSync(join(debian, dir), { recursive: true });
  rmSync(join(debian, 'etc/systemd'), { recursive: true, force: true });
  writeFileSync(join(debian, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(debian, 'etc/group'), 'root:x:0:\n');
  for (const kind of ['nft', 'legacy']) {
    const dir = join(program, 'usr/lib/arpanet/xtables', kind);
    mkdirSync(dir, { recursive: true });
    for (const name of ['iptables', 'ip6tables', 'ebtables'])
      for (const verb of ['', '-restore', '-save']) symlinkSync(`/usr/sbin/${name}-${kind}${verb}`, join(dir, `${name}${verb}`));
  }
  cpSync(join(here, 'image/entry.sh'), join(program, ENTRY));
  chmodSync(join(program, ENTRY), 0o755);
  mkdirSync(join(program, 'usr/bin'), { recursive: true });
  symlinkSync('../lib/arpanet/bin/arpanet', join(program, 'usr/bin/arpanet'));
}

function layer(dir, file, epoch) {
  const bytes = readFileSync(archive(dir, file, epoch));
  return { bytes, diffId: `sha256:${must('bash', ['-o', 'pipefail', '-c', 'gzip -dc "$0" | sha256sum', file]).slice(0, 64)}` };
}

function configOf(version, epoch, layers) {
  return {
    created: iso(epoch),
    architecture: 'amd64',
    os: 'linux',
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      Entrypoint: [ENTRY],
      Cmd: ['--help'],
      Labels: {
        'org.opencontainers.image.title': 'arpanet',
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.licenses': 'MIT',
      },
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map((_layer, i) => ({ created: iso(epoch), created_by: i === 0 ? 'files of Debian packages' : `arpanet ${version}` })),
  };
}
