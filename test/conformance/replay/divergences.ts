import type { EngineName } from './run.ts';

/**
 * Every difference between arpanet and one Engine that a client can see and that a cluster makes inevitable. `npm run conformance` fails on any
 * other difference. docs/divergence.md is made from this list (`npm run conformance -- --page`). A new entry needs a reason other than "it was easier".
 */
export interface Divergence {
  /** As in the route table; `*`: every answer. */
  readonly route: string | readonly string[];
  /** Place in the answer: `status`, `headers.server`, `body.Config.Labels.x`, `body[0].Name`. */
  readonly at: RegExp;
  /** Only steps whose label matches. */
  readonly label?: RegExp;
  /** Only against this version. */
  readonly engine?: EngineName | readonly EngineName[];
  /** Only these texts or statuses of the Engine and of arpanet, as JSON. */
  readonly when?: readonly [dockers: RegExp, ours: RegExp];
  readonly what: string;
  readonly dockers: string;
  readonly ours: string;
  readonly reason: string;
}

const FILTERED = ['GET /containers/json', 'GET /images/json', 'GET /networks', 'GET /volumes', 'GET /events', 'POST /networks/prune'];
const BODIES = ['POST /networks/create', 'POST /networks/{id}/connect', 'POST /networks/{id}/disconnect', 'POST /volumes/create'];
const SERVICES = [
  '/swarm',
  '/swarm/unlockkey',
  '/nodes',
  '/nodes/{id}',
  '/services',
  '/services/{id}',
  '/services/{id}/logs',
  '/tasks',
  '/tasks/{id}',
  '/tasks/{id}/logs',
];
const KEPT = ['secrets', 'configs'].flatMap((kind) => [
  `GET /${kind}`,
  `GET /${kind}/{id}`,
  `POST /${kind}/create`,
  `POST /${kind}/{id}/update`,
  `DELETE /${kind}/{id}`,
]);
/** Engines up to 20.10 answer 500 to many mistakes of the client, with the text of a Go error. */
const OLD = 'Answers that the cluster makes itself are those of 26.1: hosts may run different versions at the same time.';

export const DIVERGENCES: readonly Divergence[] = [
  {
    route: '*',
    at: /^headers\.(server|arpanet-request-id)$/,
    what: 'headers `Server` and `Arpanet-Request-Id`',
    dockers: '`Docker/20.10.24 (linux)`; none',
    ours: '`arpanet/<version>`; an id for each request',
    reason: 'A client must be able to see which program answers, and an operator to find a request in the logs.',
  },
  {
    route: ['GET /containers/json', 'GET /system/df'],
    at: /Labels\.arpanet\.(host|placement)$/,
    what: 'labels `arpanet.host` and `arpanet.placement` on every container of a list',
    dockers: 'none',
    ours: 'the name of the host; the short reason for the choice of host',
    reason: 'A cluster adds the question where a container runs. Every client can show labels and filter by them.',
  },
  {
    route: 'GET /containers/{id}/json',
    at: /^body\.Node$/,
    what: 'object `Node`',
    dockers: 'none',
    ours: 'host, address, CPUs, memory, labels, as in classic Swarm',
    reason: 'The same for programs. Clients ignore fields that they do not know.',
  },
  {
    route: 'GET /volumes/{name}',
    at: /^body\.Status$/,
    when: [/./, /^\{"arpanet\.host":"[^"]+"\}$/],
    what: '`Status` of a volume',
    dockers: 'what its driver reports',
    ours: 'also `arpanet.host`: the host that has it',
    reason: 'A volume is on one host, and so are its containers.',
  },
  {
    route: ['GET /containers/json', 'GET /containers/{id}/json', 'GET /system/df'],
    at: /\.IPPrefixLen$/,
    what: 'the subnet of the network of a container that names no network',
    dockers: '`bridge`, on one host',
    ours: 'shown as `bridge`, but spans all hosts, has names, and is from the cluster’s pool. `--network bridge` is the host’s own, as usual',
    reason: 'Containers that reach each other on one Engine must do so on any hosts; an Engine’s own bridge ends at its host.',
  },
  {
    route: 'GET /containers/{id}/json',
    at: /^body\.HostConfig\.Runtime$/,
    engine: '20.10',
    what: '`HostConfig.Runtime` before the first start of a container that was created without a `HostConfig`',
    dockers: 'absent',
    ours: '`runc`',
    reason: 'The cluster always sends a `HostConfig`, which contains the network and DNS. Every Docker client does the same.',
  },
  {
    route: 'POST /containers/create',
    at: /^(status|body\.(Id|Warnings|message))$/,
    label: /^(unknown|bad) network$|^with an address where none can be chosen$/,
    what: 'create on a network that does not exist, with an address in one whose subnet was not asked for, or with a range of host ports that are all held',
    dockers: '20.10: 201, and the start is refused. 26.1: some creates are refused',
    ours: 'the create is refused, with the status and text of the refused start',
    reason: 'The address in the network and the port of a range are chosen at create.',
  },
  {
    route: 'POST /containers/create',
    at: /^(status|body\.(Id|Warnings|message))$/,
    label: /^beside a volume on another host$/,
    what: 'create of a container with the network, IPC or PID namespace of one that runs, beside a volume that is on another host',
    dockers: '201',
    ours: '409 with what to do. What was created and not started yet is made again beside the volume',
    reason: 'A namespace is on one host, data does not move, and what runs is not stopped for another container.',
  },
  {
    route: 'POST /containers/{id}/start',
    at: /^$/,
    label: /^start on unknown network$/,
    what: 'start of such a container',
    dockers: '404',
    ours: 'there is nothing to start',
    reason: 'As above.',
  },
  {
    route: 'POST /containers/{id}/start',
    at: /^body\.message$/,
    label: /^start without it$/,
    what: 'a container whose network was removed while it was stopped',
    dockers: '`network <id> not found`, permanently',
    ours: '`network <name> not found`, until a network with this name exists again',
    reason: 'Hosts create networks when they need them, each time with a new Engine id. Containers join by name.',
  },
  {
    route: 'POST /containers/create',
    at: /^(status|body\.(Id|Warnings|message))$/,
    label: /^(no image|trailing garbage)$/,
    what: 'create without an image (but with a command); trailing data after the JSON of the body',
    dockers: '201, and a container that can never start; 201, and the trailing data is ignored',
    ours: '400 with that reason',
    reason: 'The choice of a host depends on the image; a body that is rewritten must be read to its end. No client sends either.',
  },
  {
    route: 'POST /containers/create',
    at: /^body\.message$/,
    label: /^bind mount of nothing$/,
    what: 'a bind mount whose source is missing',
    dockers: '`… bind source path does not exist: /x`',
    ours: 'the same, with the host that lacks it',
    reason: 'The path is looked up on the chosen host; the reader must know which host that is.',
  },
  {
    route: 'POST /networks/create',
    at: /^body\.message$/,
    label: /^create: overlapping$/,
    when: [/^"Pool overlaps with other one on this address space"$/, /^"Pool overlaps with other one on this address space: /],
    what: 'a subnet that overlaps another',
    dockers: '`Pool overlaps with other one on this address space`',
    ours: 'the same, with the other one: a network, or a route of a host',
    reason: 'It may be a route of a host, which the client cannot see.',
  },
  {
    route: 'POST /networks/create',
    at: /^(status|body\.(Id|Warning|message))$/,
    label: /^(overlay|swarm scope)$/,
    what: 'networks with driver `overlay` or of scope `swarm`',
    dockers: 'refused without swarm mode',
    ours: 'created like every network of the cluster',
    reason: 'All networks of the cluster span the hosts. Files written for a swarm must work.',
  },
  {
    route: 'GET /networks/{id}',
    at: /^(status|name)(\.|$)/,
    label: /^find made-plain\?scope=swarm$/,
    what: 'a network asked for with `scope=swarm`',
    dockers: 'not found without swarm mode',
    ours: 'found, with that scope. Without the question `overlay` networks have it, and others are `local`',
    reason: 'Clients of services (`docker service create --network`) ask so, and services run on any network of the cluster.',
  },
  {
    route: 'GET /networks',
    at: /^names$/,
    label: /^\{"dangling":\["(true|false)"\]\}$/,
    what: 'filter `dangling` of networks',
    dockers: 'finds every user-defined network unused: it filters before it adds the containers',
    ours: 'separates networks in use from unused ones',
    reason: 'The Engine’s documentation promises this, and a prune that trusts the list would remove what other hosts use.',
  },
  {
    route: 'GET /events',
    at: /Attributes\.node\.name$/,
    what: 'attribute `node.name` of every event',
    dockers: 'none',
    ours: 'the host where it happened',
    reason: 'One stream has the events of all hosts. Docker itself uses this attribute in swarm mode.',
  },
  {
    route: 'GET /info',
    at: /^shape\.Swarm(\.|$)/,
    what: '`Swarm` in info',
    dockers: '`inactive`',
    ours: 'a manager with one node for each host',
    reason: 'The hosts are the nodes of `docker node ls`.',
  },
  {
    route: ['GET /_ping', 'HEAD /_ping', 'GET ?'],
    at: /^headers\.swarm$/,
    engine: ['26.1', 'newest'],
    what: 'header `Swarm` of a ping',
    dockers: '`inactive`',
    ours: '`active/manager`',
    reason: 'As above.',
  },
  {
    route: [
      ...SERVICES.map((path) => `GET ${path}`),
      'POST /services/create',
      'POST /services/{id}/update',
      'DELETE /services/{id}',
      'POST /nodes/{id}/update',
      'DELETE /nodes/{id}',
    ],
    at: /^(status|body|body\..*)$/,
    when: [/^503$|<absent>|This node is not a swarm manager/, /./],
    what: 'swarm, nodes, services, tasks',
    dockers: '503 `This node is not a swarm manager…`',
    ours: 'answered: services run on all hosts (docs/services.md). `DELETE /nodes/{id}` is 501: use `arpanet hosts rm`',
    reason: 'As above.',
  },
  {
    route: KEPT,
    at: /^(status|body|body\..*|headers\.content-type)$/,
    when: [/^503$|<absent>|This node is not a swarm manager|^"application\/json"$/, /./],
    what: 'secrets and configs',
    dockers: '503 `This node is not a swarm manager…`',
    ours: 'stored, up to 256 KiB each; they are files in the containers of the services that name them',
    reason: 'As above.',
  },
  {
    route: ['POST /swarm/init', 'POST /swarm/join'],
    at: /^(status|body|body\.message)$/,
    when: [/^400$|invalid ListenAddr/, /^(200|50[13])$|^"/],
    what: 'swarm init and join',
    dockers: 'the Engine becomes part of a swarm; 400 without an address to listen on',
    ours: 'init is the same without the address, the first time; join is refused, and the answer says how hosts and schedulers join',
    reason: 'A cluster of Engines is not an Engine that could join another cluster.',
  },
  {
    route: ['GET /containers/{id}/json', 'GET /images/{name*}/json', 'GET ?', '*'],
    at: /^(status|name|body|headers\.(location|content-type|api-version|docker-experimental|ostype))$/,
    label: /^(escaped slash and name|dots in the path|GET \/images\/%2E%2E\/json|GET \/containers\/%zz\/json)$/,
    what: 'paths that Go redirects or cannot read: `//`, `/../`, an escaped slash before a name, a broken escape',
    dockers: '301 to the clean path; 400 in plain text',
    ours: '`%2Fname` is the container; dot segments are 404; 400 as JSON',
    reason: 'No client follows the redirect of a POST. A dot segment never names an object, and a proxy must not pass it on.',
  },
  {
    route: ['GET /containers/json', 'GET /_ping', 'GET ?'],
    at: /^(body|headers\.(content-type|x-content-type-options|docker-experimental))$/,
    label: /^(too (old|new)|GET \/v1(\.1\.1)?\/_ping)$/,
    what: 'the refusal of API versions: the oldest is 1.24',
    dockers: '20.10 supports 1.12 and later, and refuses older ones in plain text',
    ours: '400 `client version … is too old` as JSON, as Engines since 25 do (their oldest is 1.24 too)',
    reason: 'The oldest version is the one that every host supports, newer Engines included.',
  },
  {
    route: [...FILTERED, ...BODIES, 'GET /containers/{id}/json', 'POST /containers/{id}/stop', 'POST /containers/create', 'POST /auth'],
    at: /^(status|said\.status)$/,
    engine: '20.10',
    when: [/^500$/, /^400$|^404$/],
    what: 'status of bad filters, bad bodies, ambiguous prefixes, unreadable numbers',
    dockers: '20.10 answers 500 to some',
    ours: '400 or 404',
    reason: OLD,
  },
  {
    route: FILTERED,
    at: /(^|\.)message$/,
    engine: '20.10',
    when: [
      /^"(error reading volume filters: )?(json: |unexpected end|strconv|Invalid filter|Unrecognised|no such container |invalid character)/,
      /^"(error reading volume filters: )?([Ii]nvalid filter|[Uu]nrecogni[sz]ed filter|failed to parse|No such container)/,
    ],
    what: 'messages about bad filters',
    dockers: '`Invalid filter …` up to 20.10, and Go’s errors about JSON and numbers',
    ours: '`invalid filter …`',
    reason: OLD,
  },
  {
    route: BODIES,
    at: /^body\.message$/,
    engine: '20.10',
    when: [
      /^"(got EOF|unexpected EOF|json: |Content-Type specified )/,
      /^"(invalid JSON: |unsupported Content-Type |malformed Content-Type )/,
    ],
    what: 'messages about bad bodies',
    dockers: '20.10: Go’s errors',
    ours: '`invalid JSON: …`, `unsupported Content-Type header …`',
    reason: OLD,
  },
  {
    route: ['GET /containers/{id}/json', 'POST /containers/{id}/stop', 'POST /containers/{id}/kill'],
    at: /^(body\.)?message$/,
    engine: '20.10',
    when: [/^"(\{\\"message\\":\\"Multiple IDs|Cannot kill)/, /^"(\{\\"message\\":\\"multiple IDs|cannot kill)/],
    what: 'messages about ambiguous prefixes, and of kill',
    dockers: '20.10: with a capital letter at the beginning',
    ours: 'without',
    reason: OLD,
  },
  {
    route: ['POST /networks/create', 'GET /networks/{id}', 'POST /networks/{id}/connect'],
    at: /^(|status|body\.(Id|Warning|message))$/,
    label:
      /^((create|inspect): (no subnet|subnet without mask|host bits|gateway outside|range outside|aux outside|bad gateway)|a bad address|an address (in no subnet|outside))$/,
    engine: '20.10',
    what: 'subnets, gateways, ranges and addresses that contradict each other',
    dockers: '20.10 accepts some of them, and has other messages for the rest',
    ours: '400 `invalid network config: …`, `invalid endpoint settings: …`',
    reason: OLD,
  },
  {
    route: 'GET /images/json',
    at: /^(status|said)$/,
    label: /^filter \{"until"/,
    engine: '20.10',
    what: 'filter `until` of images',
    dockers: '20.10 does not support it',
    ours: 'supported',
    reason: 'The cluster makes the list itself, whichever versions the hosts run.',
  },
];
