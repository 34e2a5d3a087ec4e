/** What the schemas allow and a cluster cannot do: said with the reason, so that nothing is left out in silence. Pure. */

/** By the way to the key; `*` is any name. */
const REFUSED: Readonly<Record<string, string>> = {
  include: 'give the files together, each with -f',
  secrets: 'there is no store for secrets: give a volume or an environment variable',
  configs: 'there is no store for configs: give a volume or an environment variable',
  models: 'it is for Docker Desktop',
  'services.*.secrets': 'there is no store for secrets: give a volume or an environment variable',
  'services.*.configs': 'there is no store for configs: give a volume or an environment variable',
  'services.*.credential_spec': 'it is for Windows hosts',
  'services.*.develop': 'it is for docker compose watch',
  'services.*.provider': 'it runs a program beside compose',
  'services.*.external_links': 'put both on one external network instead',
  'services.*.models': 'it is for Docker Desktop',
  'services.*.gpus': 'hosts do not tell their GPUs: use a placement constraint and devices',
  'services.*.post_start': 'nobody here would run it in instances that are made later: let the entrypoint do it',
  'services.*.pre_stop': 'nobody here would run it in instances that are removed later: let the program do it when it is told to stop',
  'services.*.deploy.placement.max_replicas_per_node': 'instances are spread by themselves',
  'services.*.deploy.placement.preferences': 'instances are spread by themselves',
  'services.*.deploy.resources.reservations.generic_resources': 'hosts do not tell such: use a placement constraint',
  'services.*.deploy.resources.reservations.devices': 'hosts do not tell their devices: use a placement constraint and devices',
  'networks.*.ipam.options': "addresses are the cluster's: there are no options",
};

/** Why not; undefined: it is done. */
export function refusalOf(path: readonly (string | number)[], value: unknown): string | undefined {
  if (value === false || value === null) return undefined;
  return REFUSED[path.map((step, index) => (index === 1 ? '*' : step)).join('.')];
}
