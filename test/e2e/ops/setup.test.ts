/** scripts/setup.mjs on a machine without Docker and iproute2: their programs taken off /usr, under an overlay in a mount namespace of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

/** Stands for apt-get: says what it was asked, and whether services may start meanwhile (invoke-rc.d asks policy-rc.d; 101 is no). */
const APT = `#!/bin/sh
echo "apt-get $*" >&2
[ "$1" = update ] || { sh /usr/sbin/policy-rc.d; echo "services: $?" >&2; }
`;

describe('setup on a machine without Docker', () => {
  let scratch: string;
  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'arpanet-setup-'));
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));

  const setup = (before: string) => {
    const script = `set -e
      mount -t tmpfs none "$0"
      mkdir "$0/upper" "$0/work"
      mount -t overlay overlay -o "lowerdir=/usr,upperdir=$0/upper,workdir=$0/work" /usr
      rm -f /usr/sbin/dockerd /usr/bin/dockerd /usr/sbin/ip /usr/bin/ip /usr/sbin/policy-rc.d
      printf '%s' "$2" > /usr/bin/apt-get
      "$1" --input-type=module -e "$3"
      if [ -e /usr/sbin/policy-rc.d ]; then echo "policy-rc.d is left" >&2; fi`;
    const program = `${before}; const { setup } = await import('./scripts/setup.mjs'); await setup('start');`;
    const { status, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', script, scratch, process.execPath, APT, program], {
      encoding: 'utf8',
      timeout: 180_000,
    });
    return { status, stderr };
  };

  it('lists what to install for a user who is not root, and stops there', () => {
    const { status, stderr } = setup('process.setuid(65534)');
    assert.equal(
      stderr,
      `arpanet: missing on this machine: docker.io, iproute2
  run: sudo apt-get update && sudo apt-get install docker.io iproute2
`,
    );
    assert.equal(status, 1);
  });

  it('says what it installs by apt before it does so as root, and starts no service', () => {
    const { status, stderr } = setup('0');
    assert.equal(
      stderr,
      `arpanet: installing by apt: docker.io iproute2
apt-get update -qq
apt-get install -y -qq --no-install-recommends docker.io iproute2
services: 101
`,
    );
    assert.equal(status, 0);
  });
});
