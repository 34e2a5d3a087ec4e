/** The scripts for iPXE, of the release that Debian 12 has (of January 2019: no P-256, no `imgverify`). Pure. */

/** What a machine is to run. */
export interface BootImage {
  /** SHA-256 of the root file system, in hex; the kernel's command line has it, and the initrd refuses another. */
  readonly root: string;
  /** More words for the kernel. */
  readonly words: readonly string[];
}

const head = '#!ipxe\n';
/** A line of text: iPXE expands `${…}`, and splits by blanks. */
const line = (text: string): string =>
  `echo arpanet: ${text
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .replaceAll('${', '$ {')
    .replaceAll(/[|&]/g, '/')}\n`;
/** On to what the firmware boots from next: a script that began again would keep a machine with a disk for ever. */
const leave = `sleep 10\nexit 1\n`;

/** The first, the same for all: it says which machine this is. */
export const firstScript = (url: string): string =>
  `${head}chain --replace ${url}/machine.ipxe?mac=\${netX/mac}&serial=\${serial:uristring}&product=\${product:uristring}&firmware=\${platform} || goto failed
:failed
${line('the boot server gave no script for this machine; the next boot device is tried')}${leave}`;

/** For a machine that may boot. `url`: of the HTTP server. `nowMs`: since 1970; a machine whose battery is empty gets the time by it. */
export function bootScript(host: string, mac: string, url: string, { root, words }: BootImage, nowMs: number): string {
  const own = [
    `initrd=initrd.img`,
    `arpanet.server=${url}`,
    `arpanet.root=${root}`,
    `arpanet.clock=${Math.floor(nowMs / 1_000)}`,
    `BOOTIF=01-${mac.replaceAll(':', '-')}`,
  ];
  return `${head}${line(`this machine is host ${host}`)}kernel ${url}/image/vmlinuz ${[...own, ...words].join(' ')} || goto failed
initrd --name initrd.img ${url}/image/initrd.img || goto failed
boot || goto failed
:failed
${line('the kernel or its initrd did not come, or does not start')}${leave}`;
}

/** For one that may not. */
export const refusal = (lines: readonly string[]): string => `${head}${lines.map(line).join('')}${leave}`;

/** For a machine that nobody has approved. */
export const strangerLines = (mac: string, serial: string): readonly string[] => [
  `no host is approved for this machine (${mac}${serial === '' ? '' : `, serial number ${serial}`})`,
  `approve it, and boot again: arpanet hosts add NAME --mac ${mac}`,
];
