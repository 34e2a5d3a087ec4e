/** The labels that arpanet reads from users, and those that it writes on an Engine's objects for itself. */
export const labels = {
  /** All of them begin so. */
  prefix: 'arpanet.',
  /** Written by users. */
  deployment: 'arpanet.deployment',
  service: 'arpanet.service',
  constraints: 'arpanet.constraints',
  affinities: 'arpanet.affinities',
  /** Of a network: it has at least so many addresses for containers and hosts, however small the default size is. */
  addresses: 'arpanet.addresses',
  /** The most instances of its service that a host may have. */
  maxPerHost: 'arpanet.max-per-host',
  /** The host labels over whose values its service is spread: `node.labels.zone`, several as a list. */
  spread: 'arpanet.spread',
  /** What it sets aside on its host: `cpus=0.5,memory=512m`, either or both. */
  reserve: 'arpanet.reserve',
  /** Written by the services API: the secrets and configs that are files in it, as JSON. */
  files: 'arpanet.files',
  /** When the leader starts an instance of a maintained service again, in its Engine's place: `on-failure,delay=5s,window=2m,attempts=3`. */
  restart: 'arpanet.restart',
  /** What runs in it after a start and before a stop by the cluster, as JSON; `arpanet deploy` writes it. */
  hooks: 'arpanet.hooks',
  /** Ports at which every host answers for it: `8080:80,5300:53/udp`. The services API and `arpanet deploy` write it for `mode: ingress`. */
  ingress: 'arpanet.ingress',
  /** `ingress`: every host answers for the ports that it publishes; `host`: its host alone. Absent: as the cluster is set. */
  publish: 'arpanet.publish',
  /** `true`: what calls a TCP port that every host answers for begins with a line of the PROXY protocol, which has the caller's address. */
  proxyProtocol: 'arpanet.proxy-protocol',
  /** Host names and paths by which HTTP reaches its service: `shop.example.com/api port=8080 sticky`. */
  http: 'arpanet.http',
  /** On instances of a canary: the service that it is of, and its share of that one's requests: `web 10%`. */
  canary: 'arpanet.canary',
  /** `true`: its service has one address, behind which the kernel of each caller chooses an instance. The services API and `arpanet deploy` write it for `endpoint_mode: vip`. */
  vip: 'arpanet.vip',
  /** Written by us on the container whose network a build uses: the id of the build's request. */
  build: 'arpanet.build',
  /** Written by us on instances of jobs: the iteration that they are of, `3`; of a job on every host `global-3`. */
  iteration: 'arpanet.iteration',
  /** How often an update of the service was forced (`docker service update --force`). */
  forced: 'arpanet.forced',
  /** Written by the services API: its env, hostname and mounts have Go templates, and what those can name of the service, as JSON. */
  templates: 'arpanet.templates',
  /** How long a container that a client stops runs on after it has left DNS: `5s`. */
  drainTime: 'arpanet.drain-time',
  /** Which containers of other deployments may call it: `xyz/web:80,mon/*`, or `none`. */
  allowFrom: 'arpanet.allow-from',
  /** How its host's agent checks it: `http:80/healthz interval=5s`, `tcp:5432`. */
  check: 'arpanet.check',
  /** When the service's name leads to this instance: `healthy`, only while its health check succeeds; `running`, whatever that says. */
  dns: 'arpanet.dns',
  /** `off`: an instance of a lost host is waited for, and not made elsewhere. `on-host-failure`: it is made elsewhere. */
  reschedule: 'arpanet.reschedule',
  /** Written by us on containers: `2.pricing.abc`, and what the store's record holds, as JSON. */
  instance: 'arpanet.instance',
  record: 'arpanet.record',
  /** The create request as the client sent it, packed; empty when it was too large. */
  request: 'arpanet.request',
  /** The MAC over the two before, and, as a driver option of an endpoint, over the address that a container got after its create. */
  mac: 'arpanet.mac',
  /** Written by us on what somebody creates whose policy names paths for binds: below these its binds lead, as a list. */
  bindPrefixes: 'arpanet.bind-prefixes',
  /** Written by us on an Engine's bridge networks: the id of the cluster network. */
  network: 'arpanet.network',
  /** Only in answers to clients: where a container is, and why. */
  host: 'arpanet.host',
  placement: 'arpanet.placement',
} as const;

/** What we write on a container. */
export const containerLabels = [labels.instance, labels.record, labels.request, labels.mac] as const;

const RESERVED: ReadonlySet<string> = new Set([...containerLabels, labels.network, labels.host, labels.placement]);

/** True for labels that only arpanet may write: from clients and images they count for nothing, and answers to clients omit them. */
export function isReservedLabel(label: string): boolean {
  return RESERVED.has(label);
}

/** Names of the reserved labels among these, sorted. */
export function reservedLabels(given: Labels | null | undefined): readonly string[] {
  return Object.keys(given ?? {})
    .filter(isReservedLabel)
    .toSorted();
}

/** The same without reserved labels. An image made with `docker commit` on an Engine has the labels of its container, too. */
export function withoutReservedLabels(given: Labels): Labels {
  return Object.fromEntries(Object.entries(given).filter(([label]) => !isReservedLabel(label)));
}

/** The request itself if it has no reserved labels. */
export function withoutReserved<Request extends { readonly Labels?: Labels | null }>(request: Request): Request {
  return reservedLabels(request.Labels).length === 0 ? request : { ...request, Labels: withoutReservedLabels(request.Labels ?? {}) };
}

/** For the warnings of an answer; empty: there are none among these. */
export function reservedWarnings(given: Labels | null | undefined): readonly string[] {
  const found = reservedLabels(given);
  return found.length === 0 ? [] : [`only arpanet writes the label${found.length === 1 ? '' : 's'} ${found.join(', ')}: left out`];
}

const COMPOSE = 'com.docker.compose';

/** What compose writes on what it makes. Source: docker/compose pkg/api/labels.go. */
export const composeLabels = {
  /** All of its labels begin so. */
  prefix: `${COMPOSE}.`,
  project: `${COMPOSE}.project`,
  configFiles: `${COMPOSE}.project.config_files`,
  workingDir: `${COMPOSE}.project.working_dir`,
  service: `${COMPOSE}.service`,
  /** A whole number from 1. */
  number: `${COMPOSE}.container-number`,
  /** `True` on what `compose run` makes, else `False`. */
  oneoff: `${COMPOSE}.oneoff`,
  /** The id of the container that a recreated one replaces. */
  replace: `${COMPOSE}.replace`,
  /** `db:service_healthy:false,cache:service_started:true` */
  dependsOn: `${COMPOSE}.depends_on`,
  configHash: `${COMPOSE}.config-hash`,
  /** The id of the image that it was made from. */
  image: `${COMPOSE}.image`,
  network: `${COMPOSE}.network`,
  volume: `${COMPOSE}.volume`,
} as const;

/** What `docker stack` writes on what it makes. Source: docker/cli cli/compose/convert/compose.go, `LabelNamespace`. */
export const stackLabel = 'com.docker.stack.namespace';

type Labels = Readonly<Record<string, string>>;

/** The label that says which deployment an object belongs to, and its value; undefined: none does. An empty label counts for nothing. */
export function deploymentLabel(given: Labels): readonly [label: string, value: string] | undefined {
  return firstOf(given, [composeLabels.project, stackLabel, labels.deployment]);
}

/** The deployment that an object belongs to; that of what has no such label is `default`. */
export function deploymentIn(given: Labels): string {
  const [label, name] = deploymentLabel(given) ?? [labels.deployment, NO_PROJECT];
  return label === labels.deployment ? name : deploymentOfProject(name);
}

/** The deployment of all that belongs to no project. */
const NO_PROJECT = 'default';
/** No project can be called so: compose takes no dots, and Engines take none in the services of a stack. */
const DEFAULT_PROJECT = 'default.project';

/** The deployment of a compose project or stack: it is called like it, but for one called `default`, which has nothing to do with what has no project. */
export function deploymentOfProject(project: string): string {
  return project === NO_PROJECT ? DEFAULT_PROJECT : project;
}

/** What clients call a deployment's project. */
export function projectOf(deployment: string): string {
  return deployment === DEFAULT_PROJECT ? NO_PROJECT : deployment;
}

/** The label that says which service a container belongs to, and its value; undefined: none does. */
export function serviceLabel(given: Labels): readonly [label: string, value: string] | undefined {
  return firstOf(given, [composeLabels.service, labels.service]);
}

/** Made by `compose run`: an instance of no service. */
export function isOneoff(given: Labels): boolean {
  return given[composeLabels.oneoff]?.toLowerCase() === 'true';
}

function firstOf(given: Labels, names: readonly string[]): readonly [string, string] | undefined {
  const label = names.find((name) => given[name]);
  return label === undefined ? undefined : [label, given[label] ?? ''];
}

/** Of a stack, or of `docker service create`: compose numbers its containers too, but without the label `arpanet.service`. */
export function isOfSwarm(given: Readonly<Record<string, string>>): boolean {
  return Boolean(given[stackLabel]) || Boolean(given[labels.service] && given[composeLabels.number]);
}
