import type { Filter } from './filter.ts';

/** uname's words for what Go, and so Docker, calls otherwise. */
const GO_ARCH: ReadonlyMap<string, string> = new Map([
  ['x86_64', 'amd64'],
  ['aarch64', 'arm64'],
  ['armv7l', 'arm'],
  ['armv6l', 'arm'],
  ['i386', '386'],
  ['i686', '386'],
]);
export const goArch = (arch: string): string => GO_ARCH.get(arch.toLowerCase()) ?? arch.toLowerCase();

/** `?platform=linux/arm64`: the operating system, and the architecture where one is named (`linux/arm/v7`: the variant is left to the Engine). */
export const platformFilter: Filter = {
  rule: 'platform',
  applies: (request) => request.platform !== undefined,
  accepts: (request, host) => {
    const [os = '', arch] = (request.platform ?? '').toLowerCase().split('/');
    if (arch === undefined) return os === host.os || goArch(os) === goArch(host.arch);
    return os === host.os && goArch(arch) === goArch(host.arch);
  },
  explain: (request, host) => `is ${host.os}/${goArch(host.arch)}, not ${request.platform ?? ''}`,
};
