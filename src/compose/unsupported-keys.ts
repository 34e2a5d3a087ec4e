/** Keys that the schemas of compose-spec allow and a cluster does not support, each with the reason: none is ignored. Pure. */

/** By the path of the key; `*` is any name. */
const REFUSED: Readonly<Record<string, string>> = {
  include: 'give the files together, each with -f',
  models: 'it is for Docker Desktop',
  'services.*.credential_spec': 'it is for Windows hosts',
  'services.*.develop': 'it is for docker compose watch',
  'services.*.provider': 'it runs a program beside compose',
  'services.*.external_links': 'put both on one external network instead',
  'services.*.models': 'it is for Docker Desktop',
  'services.*.gpus': 'GPU scheduling is not supported: use a placement constraint and devices',
  'services.*.post_start': 'the cluster also starts instances after the deploy, and would not run it there: do it in the entrypoint',
  'services.*.pre_stop':
    'the cluster also removes instances after the deploy, and would not run it there: let the program do it on its stop signal',
  'services.*.deploy.resources.reservations.generic_resources': 'generic resources are not supported: use a placement constraint',
  'services.*.deploy.resources.reservations.devices': 'device scheduling is not supported: use a placement constraint and devices',
  'secrets.*.driver': 'secrets are kept in the store of the cluster: give file, environment or external',
  'secrets.*.driver_opts': 'secrets are kept in the store of the cluster: give file, environment or external',
  'secrets.*.template_driver': 'files are written as they are given: fill in the values before the deploy',
  'configs.*.template_driver': 'files are written as they are given: fill in the values before the deploy',
  'networks.*.ipam.options': "addresses are the cluster's: there are no options",
};

/** Why the key is refused; undefined: it is supported. */
export function refusalOf(path: readonly (string | number)[], value: unknown): string | undefined {
  if (value === false || value === null) return undefined;
  return REFUSED[path.map((step, index) => (index === 1 ? '*' : step)).join('.')];
}
