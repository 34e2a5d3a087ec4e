/** Where the tests' real parts are, and where they may write. */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const repository = join(import.meta.dirname, '..', '..', '..');
export const toolsDir = process.env['ARPANET_TOOLS'] ?? join(repository, '.arpanet', 'tools');
export const imageCache = join(repository, '.arpanet', 'images');
export const labBase = process.env['ARPANET_TEST_LABS'] ?? join(tmpdir(), 'arpanet-labs');

function tool(leaf: string): string {
  const path = join(toolsDir, leaf);
  if (!existsSync(path)) throw new Error(`missing ${leaf}: run "node scripts/setup.mjs" (it unpacks it from Debian packages)`);
  return path;
}

/** A program that scripts/setup.mjs has installed. */
function installed(program: string): string {
  const found = (process.env['PATH'] ?? '')
    .split(':')
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error(`missing ${program}: run "node scripts/setup.mjs" (it installs it from a Debian package)`);
  return found;
}

export const tools = {
  chromium: () => installed('chromium-headless-shell'),
  consul: () => tool('consul/usr/bin/consul'),
  /** `prometheus` or `promtool`. */
  prometheus: (program: 'prometheus' | 'promtool') => tool(`prometheus/usr/bin/${program}`),
  composeV2: () => tool('compose-v2/usr/libexec/docker/cli-plugins/docker-compose'),
  /** Folders for PATH. */
  engine26: () => [join(tool('engine-26/usr/sbin/dockerd'), '..'), join(tool('engine-26-containerd/usr/bin/containerd'), '..')],
  /** Of Debian's unstable, or the newest that runs here. */
  newestCompose: () => tool('newest-compose/usr/libexec/docker/cli-plugins/docker-compose'),
  newestCli: () => tool('newest-cli/usr/bin/docker'),
  newestBuildx: () => tool('newest-cli-buildx/usr/libexec/docker/cli-plugins/docker-buildx'),
  newestEngine: () => [join(tool('newest-engine/usr/sbin/dockerd'), '..'), join(tool('newest-engine-containerd/usr/bin/containerd'), '..')],
};
