/** Keys that the schemas of compose-spec allow and a cluster does not support, each with the reason: refused, or ignored with a word where nothing is lost. Pure. */

type Reasons = Readonly<Record<string, string>>;

/** By the path of the key; `*` is any name. */
const REFUSED: Reasons = {
  models: 'it is for Docker Desktop',
  'services.*.credential_spec': 'it is for Windows hosts',
  'services.*.provider': 'it runs a program beside compose',
  'services.*.models': 'it is for Docker Desktop',
  'services.*.build.entitlements': "an Engine's own builder grants none",
  'services.*.build.isolation': 'it is for Windows hosts',
  'services.*.build.privileged': "an Engine's own builder grants none",
  'services.*.build.ssh':
    'SSH agents are not forwarded: use secrets, or "docker compose build" at this endpoint, and a deploy uses the image',
  'secrets.*.driver': 'secrets are kept in the store of the cluster: give file, environment or external',
  'secrets.*.driver_opts': 'secrets are kept in the store of the cluster: give file, environment or external',
  'secrets.*.template_driver': 'files are written as they are given: fill in the values before the deploy',
  'configs.*.template_driver': 'files are written as they are given: fill in the values before the deploy',
  'networks.*.enable_ipv4': 'networks of the cluster have IPv4 addresses',
  'networks.*.ipam.options': "addresses are the cluster's: there are no options",
};

/** As `docker compose up` does, which says nothing. */
const IGNORED: Reasons = {
  'services.*.develop': 'it is for docker compose watch',
  'services.*.deploy.resources.reservations.generic_resources':
    'the cluster does not count them: a placement constraint chooses the hosts that have them',
};

/** It asks for what there is anyway. */
const isIdle = (key: string, value: unknown): boolean =>
  value === null || (key === 'networks.*.enable_ipv4' ? value === true || value === 'true' : value === false);

function reasonIn(reasons: Reasons, path: readonly (string | number)[], value: unknown): string | undefined {
  const key = path.map((step, index) => (index === 1 ? '*' : step)).join('.');
  return isIdle(key, value) ? undefined : reasons[key];
}

/** Why the key is refused; undefined: it is not. */
export const refusedBecause = (path: readonly (string | number)[], value: unknown): string | undefined => reasonIn(REFUSED, path, value);

/** Why the key is ignored; undefined: it is read. */
export const ignoredBecause = (path: readonly (string | number)[], value: unknown): string | undefined => reasonIn(IGNORED, path, value);
