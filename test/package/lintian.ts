/** npm run test:package: what Debian's checker of packages says of the .deb. Needs root. */
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runProgram } from '../support/cluster/cluster.ts';
import { CLEAN, debianRoot, mountedRoot, packageOf } from './bare-machine.ts';

describe('the .deb', () => {
  it('is found right by lintian; each of its remarks has a reason in the package', { timeout: 600_000 }, async () => {
    using root = await mountedRoot(debianRoot('lintian'), (upper) => cpSync(packageOf('.deb'), join(upper, 'arpanet.deb')));
    const { code, stdout, stderr } = await runProgram(
      'nsenter',
      root.within('exec 2>&1; lintian --allow-root --fail-on error,warning /arpanet.deb'),
      { env: CLEAN },
    );
    assert.deepEqual([code, stdout.trim(), stderr], [0, '', '']);
  });
});
