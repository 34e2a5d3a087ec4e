import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createTunnel } from '../../../src/hostagent/overlay/tunnel.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { fakeTools } from '../../support/fakes/kernel-tools.ts';

// a folder has the kernel's links: `ip link add` fails for one that there is
const tools = fakeTools({
  wg: 'case "$1 $3" in "show public-key") cat "$D/link-$2" ;; set*) echo mine >"$D/link-$2" ;; esac; [ "$1" = --version ] && [ -e "$D/no-wg" ] && exit 1; exit 0',
  'wireguard-go': '[ ! -e "$D/no-go" ]',
  ip: '[ "$4 $5" = "type wireguard" ] && [ -e "$D/no-kernel" ] && exit 2; [ "$1 $2" = "link add" ] && { [ -e "$D/link-$3" ] && exit 1; : >"$D/link-$3"; }; [ "$1 $2" = "link del" ] && { [ -e "$D/link-$3" ] || exit 1; rm "$D/link-$3"; }; exit 0',
  ip6tables: 'exit 0',
});

const tunnel = () =>
  createTunnel({ overlay: 'vxlan', address: '10.0.0.1', dataDir: tools.folder, log: quietLog, nowMs: () => 5, onKeys: () => undefined });
const underlay = { address: '10.0.0.1', link: 'eth0', mtu: 1500 };

describe('WireGuard on a host', () => {
  before(tools.use);
  after(tools.remove);
  it('is found though a look of before left its link', async () => {
    tools.put('link-arw0a000001p', '');
    assert.equal((await tunnel().facts())?.kind, 'wireguard');
  });

  it('is the kernel’s where that has it, wireguard-go where not, and nothing without both', async (t) => {
    t.after(() => {
      for (const name of ['no-kernel', 'no-go']) rmSync(join(tools.folder, name), { force: true });
    });
    assert.equal((await tunnel().facts())?.kind, 'wireguard', 'wireguard-go is there, too');
    tools.put('no-kernel', '');
    assert.equal((await tunnel().facts())?.kind, existsSync('/dev/net/tun') ? 'wireguard-go' : undefined);
    tools.put('no-go', '');
    assert.equal(await tunnel().facts(), undefined);
  });

  it('is found when its programs are installed later', async () => {
    tools.put('no-wg', '');
    const one = tunnel();
    assert.equal(await one.facts(), undefined);
    rmSync(join(tools.folder, 'no-wg'));
    assert.equal((await one.facts())?.kind, 'wireguard');
    tools.calls();
    await one.facts();
    assert.deepEqual(tools.calls(), []);
  });

  it('has its interface up, with the MTU of now, also where its key is right already', async () => {
    const one = tunnel();
    const key = (await one.facts())?.ends[0]?.key ?? '';
    tools.put('link-arw0a000001a', `${key}\n`);
    tools.calls();
    await one.prepare([], { ...underlay, mtu: 9000 });
    assert.ok(tools.calls().includes('ip link set arw0a000001a mtu 8940 up'));
  });
});
