/** What an image for machines without a disk is made of: Debian's packages, the program, a few files that arpanet adds. Pure. */
import { ArpanetError } from '../../model/index.ts';

/** The files of an image, as machines ask for them. */
export const IMAGE_FILES = ['vmlinuz', 'initrd.img', 'root.squashfs'] as const;
/** One of them. */
export type ImageFile = (typeof IMAGE_FILES)[number];
/** Beside them: what they are. */
export const MANIFEST = 'image.json';

/** What an image is. */
export interface ImageManifest {
  /** Of arpanet. */
  readonly version: string;
  /** Linux's release: `6.1.0-57-amd64`. */
  readonly kernel: string;
  /** In ms since 1970. */
  readonly madeMs: number;
  /** More words for the kernel's command line. */
  readonly words: readonly string[];
  /** SHA-256 in hex, and the size in bytes. */
  readonly files: Readonly<Record<ImageFile, { readonly sha256: string; readonly bytes: number }>>;
}

/** The release that the image is of. */
export const SUITE = 'bookworm';
/** An init, what Node and an agent need, and an Engine. */
const PACKAGES =
  'systemd-sysv udev kmod libstdc++6 iproute2 iptables ebtables nftables conntrack ca-certificates curl apparmor docker.io containerd runc'.split(
    ' ',
  );

/** Of packages that are in the image, what no machine needs. */
const LEFT_OUT = [
  '/usr/share/man/*',
  '/usr/share/locale/*',
  '/usr/share/info/*',
  '/usr/share/doc/*',
  '/usr/lib/udev/hwdb.d/*',
  '/usr/bin/dnet',
  '/usr/sbin/ovrouter',
];

/** Drivers of what a server without a screen has not. They are most of the kernel's package. */
export const NO_DRIVERS = [
  'drivers/gpu',
  'drivers/media',
  'drivers/staging',
  'drivers/iio',
  'drivers/net/wireless',
  'drivers/bluetooth',
  'drivers/infiniband',
  'drivers/isdn',
  'sound',
  'net/bluetooth',
  'net/wireless',
  'net/mac80211',
];

/** Of drivers, what the initrd has: network cards, and what it needs to mount its root. */
export const INITRD_DRIVERS = [
  'drivers/net/ethernet',
  'drivers/net/phy',
  'drivers/net/mdio',
  'drivers/net/pcs',
  'drivers/net/vmxnet3',
  'drivers/net/hyperv',
  'drivers/hv',
  'drivers/virtio',
  'drivers/block/loop.ko',
  'fs/squashfs',
  'fs/overlayfs',
];
/** Single ones, and all that they need. */
export const INITRD_MODULES = ['virtio_net', 'virtio_pci', 'xen_netfront', 'af_packet', 'loop', 'squashfs', 'overlay', 'crc32c_generic'];

/** Throws `invalid` for what is no name of a package. */
export function packageNames(more: readonly string[]): readonly string[] {
  const wrong = more.find((name) => !/^[a-z0-9][a-z0-9+.-]+$/.test(name));
  if (wrong !== undefined) throw new ArpanetError('invalid', `--include is "${wrong}": it is the name of a Debian package`);
  return [...PACKAGES, ...more];
}

/** Words of a kernel's command line that `arpanet boot` sets itself. Throws `invalid` for these, and for what is no plain word. */
export function kernelWords(text: string): readonly string[] {
  const words = text.split(/\s+/).filter(Boolean);
  const wrong = words.find((word) => !/^[A-Za-z0-9._,:=/@+-]+$/.test(word) || /^(arpanet\.|initrd=|BOOTIF=)/.test(word));
  if (wrong !== undefined)
    throw new ArpanetError(
      'invalid',
      `--cmdline has the word "${wrong}": these are words for the kernel, as console=ttyS0; arpanet.…, initrd= and BOOTIF= are set by the boot server`,
    );
  return words;
}

/** Arguments of mmdebstrap: a root of `packages` in the folder `root`, by these sources of apt; and beside it, in `root`/boot-parts, the kernel's package and busybox, unpacked. */
export function mmdebstrapArgs(root: string, packages: readonly string[], kernel: string, sources: readonly string[]): readonly string[] {
  const parts = '"$1/boot-parts"';
  // a package of Debian's that depends on that of the newest kernel; its signature is checked as that of all others
  const unpack = `set -e; mkdir ${parts}; cd ${parts}; newest=$(apt-cache depends ${kernel} | sed -n 's/.*Depends: \\(linux-image-[0-9].*\\)/\\1/p' | head -n 1); apt-get download -qq -o APT::Sandbox::User=root "\${newest:-${kernel}}" busybox-static; for deb in *.deb; do dpkg-deb -x "$deb" .; done; rm ./*.deb`;
  return [
    '--mode=root',
    '--variant=essential',
    '--quiet',
    `--include=${packages.join(',')}`,
    '--aptopt=APT::Install-Recommends "false"',
    // nothing is lost if the machine ends while the root is made: it is made again
    '--dpkgopt=force-unsafe-io',
    ...LEFT_OUT.map((path) => `--dpkgopt=path-exclude=${path}`),
    '--dpkgopt=path-include=/usr/share/doc/*/copyright',
    `--customize-hook=${unpack}`,
    SUITE,
    root,
    ...sources,
  ];
}

/** The drivers of `modules.dep` (kmod) that the initrd has: paths below the folder of the modules. */
export function initrdModules(dependencies: string): readonly string[] {
  const needs = new Map(
    dependencies.split('\n').flatMap((line) => {
      const [path, more = ''] = line.split(':');
      return path === undefined || path === '' ? [] : [[path, more.split(' ').filter(Boolean)] as const];
    }),
  );
  const nameOf = (path: string): string => (path.split('/').at(-1) ?? '').replace(/\.ko.*$/, '').replaceAll('-', '_');
  const isWanted = (path: string): boolean =>
    INITRD_DRIVERS.some((prefix) => path.startsWith(`kernel/${prefix}`)) || INITRD_MODULES.includes(nameOf(path));
  const kept = new Set<string>();
  const keep = (path: string): void => {
    if (kept.has(path)) return;
    kept.add(path);
    for (const need of needs.get(path) ?? []) keep(need);
  };
  for (const path of needs.keys()) if (isWanted(path)) keep(path);
  return [...kept].toSorted();
}
