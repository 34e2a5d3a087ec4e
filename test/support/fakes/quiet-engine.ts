/** What an Engine says on which nothing runs; and the DNS of its host. */

/** A DNS server that answers nobody. */
export const NO_DNS = {
  listen: async () => undefined,
  unlisten: async () => undefined,
  table: () => undefined,
  change: () => undefined,
  confirm: () => undefined,
  stats: () => ({ queries: 0, nxdomain: 0, malformed: 0, instances: 0 }),
};
const IMAGE = { Id: 'sha256:1', RepoTags: ['app:1'], RepoDigests: null, Created: 1, Size: 1, RootFS: { Layers: [] } };
/** By path, without the version. */
export const ENGINE_ANSWERS: Readonly<Record<string, unknown>> = {
  '/_ping': 'OK',
  '/version': { Version: '20.10.24', ApiVersion: '1.41', MinAPIVersion: '1.12', Os: 'linux', Arch: 'amd64' },
  '/info': { ID: 'engine', NCPU: 2, MemTotal: 4e9, OSType: 'linux', Architecture: 'x86_64' },
  '/containers/json': [],
  '/images/json': [IMAGE],
  '/images/app:1/json': IMAGE,
  '/images/get': 'the archive',
  '/volumes': { Volumes: [] },
  '/networks': [],
};
