import type { EngineName } from './run.ts';

/**
 * Every difference between arpanet and one Engine that a client can see and that a cluster makes inevitable. `npm run conformance` fails on any
 * other; docs/divergence.md is made of this list (`npm run conformance -- --page`). A new line needs a reason that is not "it was easier".
 */
export interface Divergence {
  /** As the route table writes it, or `*`: what every answer shows. */
  readonly route: string | readonly string[];
  /** Place in the answer: `status`, `headers.server`, `body.Config.Labels.x`, `body[0].Name`. */
  readonly at: RegExp;
  /** Only steps whose label matches. */
  readonly label?: RegExp;
  /** Only against this version. */
  readonly engine?: EngineName | readonly EngineName[];
  /** Only these words or statuses of the Engine and of ours, as JSON. */
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
/** Until 20.10 an Engine says 500 to much that is the client's mistake, and says so in Go's words. */
const OLD = 'What the cluster answers itself it answers in one way, that of 26.1: hosts may run different versions at the same time.';

export const DIVERGENCES: readonly Divergence[] = [
  {
    route: '*',
    at: /^headers\.(server|arpanet-request-id)$/,
    what: 'headers `Server` and `Arpanet-Request-Id`',
    dockers: '`Docker/20.10.24 (linux)`; none',
    ours: '`arpanet/<version>`; an id for each request',
    reason: 'A client or an operator must be able to tell whom it talks to, and to find its request in the logs.',
  },
  {
    route: ['GET /containers/json', 'GET /system/df'],
    at: /Labels\.arpanet\.(host|placement)$/,
    what: 'labels `arpanet.host` and `arpanet.placement` on every container of a list',
    dockers: 'none',
    ours: 'the name of the host that runs it; why it is there, in short',
    reason: 'Where a container runs is what a cluster adds; labels are the place that every client can show and filter on.',
  },
  {
    route: 'GET /containers/{id}/json',
    at: /^body\.Node$/,
    what: 'object `Node`',
    dockers: 'none',
    ours: 'host, address, CPUs, memory, labels, as classic Swarm showed them',
    reason: 'The same for programs; clients ignore fields that they do not know.',
  },
  {
    route: 'GET /volumes/{name}',
    at: /^body\.Status$/,
    when: [/./, /^\{"arpanet\.host":"[^"]+"\}$/],
    what: '`Status` of a volume',
    dockers: 'what its driver says',
    ours: 'and `arpanet.host`, where it is',
    reason: 'A volume is on one host, and its containers with it.',
  },
  {
    route: ['GET /containers/json', 'GET /containers/{id}/json', 'GET /system/df'],
    at: /\.IPPrefixLen$/,
    what: 'the network of a container that names none: its subnet',
    dockers: '`bridge`, on one host',
    ours: 'shown as `bridge`, but on all hosts, with names, from the cluster’s pool. `--network bridge` is the host’s own, as ever',
    reason: 'Containers that could reach one another on one Engine must do so wherever they land; an Engine’s own bridge ends at its host.',
  },
  {
    route: ['GET /containers/json', 'GET /containers/{id}/json', 'GET /networks', 'GET /networks/{id}'],
    at: /\.(IPAddress|IPv4Address|Gateway)$/,
    when: [/^"100\.6[4-6]\./, /^"100\.6[4-6]\./],
    what: 'which address of a network a container gets, and its gateway',
    dockers: 'the first free one; the network’s gateway',
    ours: 'the first free one after sixteen; its host’s gateway',
    reason: 'Every host has a gateway of its own in the network, from the same pool, so that hosts do not answer for each other.',
  },
  {
    route: 'GET /containers/{id}/json',
    at: /^body\.HostConfig\.Runtime$/,
    engine: '20.10',
    what: '`HostConfig.Runtime` before the first start of a container that was created without a `HostConfig`',
    dockers: 'absent',
    ours: '`runc`',
    reason: 'The cluster always sends a `HostConfig`: its network and names are in it. Every Docker client does the same.',
  },
  {
    route: 'POST /containers/create',
    at: /^(status|body\.(Id|Warnings|message))$/,
    label: /^(unknown|bad) network$|^with (a taken address|an address where none can be chosen)$/,
    what: 'create on a network that does not exist, or with an address that it cannot have',
    dockers: '20.10: 201; the start is refused. 26.1: some are refused at create',
    ours: 'the create is refused, with the status and words of that',
    reason: 'The address in the network is chosen at create.',
  },
  {
    route: 'POST /containers/{id}/start',
    at: /^$/,
    label: /^start on unknown network$/,
    what: 'its start',
    dockers: '404',
    ours: 'there is nothing to start',
    reason: 'As above.',
  },
  {
    route: 'POST /containers/{id}/start',
    at: /^body\.message$/,
    label: /^start without it$/,
    what: 'a container whose network was removed while it was stopped',
    dockers: '`network <id> not found`, for good',
    ours: '`network <name> not found`, until there is one of this name again',
    reason: 'Hosts build networks as they need them, each time with another id of the Engine’s own: containers are joined by name.',
  },
  {
    route: 'POST /containers/create',
    at: /^(status|body\.(Id|Warnings|message))$/,
    label: /^(no image|trailing garbage)$/,
    what: 'create without any image (and with a command); garbage after the JSON of the body',
    dockers: '201: a container that can never start; 201: the garbage is not read',
    ours: '400 that says so',
    reason: 'A host is chosen for an image; a body that we rewrite must be read to its end. No client sends either.',
  },
  {
    route: 'POST /containers/create',
    at: /^body\.message$/,
    label: /^bind mount of nothing$/,
    what: 'a bind mount whose source is missing',
    dockers: '`… bind source path does not exist: /x`',
    ours: 'the same, and the host that lacks it',
    reason: 'Paths are those of the landing host; whoever reads the message must know which.',
  },
  {
    route: 'POST /networks/create',
    at: /^body\.message$/,
    label: /^create: overlapping$/,
    when: [/^"Pool overlaps with other one on this address space"$/, /^"Pool overlaps with other one on this address space: /],
    what: 'a subnet that overlaps another',
    dockers: '`Pool overlaps with other one on this address space`',
    ours: 'the same, and with what: a network, or a route of a host',
    reason: 'It may be the route of a host that the client cannot see.',
  },
  {
    route: 'POST /networks/create',
    at: /^(status|body\.(Id|Warning|message))$/,
    label: /^(overlay|swarm scope)$/,
    what: 'networks with driver `overlay` or of scope `swarm`',
    dockers: 'refused without swarm mode',
    ours: 'made as every network of the cluster',
    reason: 'All networks span the hosts here; files written for a swarm must work.',
  },
  {
    route: 'GET /networks',
    at: /^names$/,
    label: /^\{"dangling":\["(true|false)"\]\}$/,
    what: 'filter `dangling` of networks',
    dockers: 'finds every network of a user unused: it filters before it looks who is on them',
    ours: 'tells those that are in use from those that are not',
    reason: 'The Engine’s documentation promises this, and a prune that trusts the list would remove what other hosts use.',
  },
  {
    route: 'GET /events',
    at: /Attributes\.node\.name$/,
    what: 'attribute `node.name` of every event',
    dockers: 'none',
    ours: 'the host where it happened',
    reason: 'One stream tells of all hosts. It is the attribute that Docker itself uses for this in swarm mode.',
  },
  {
    route: 'GET /info',
    at: /^shape\.Swarm(\.|$)/,
    what: '`Swarm` in info',
    dockers: '`inactive`',
    ours: 'a manager of as many nodes as there are hosts',
    reason: 'The hosts are the nodes that `docker node ls` shows.',
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
    ours: 'answered: services are spread over the hosts (docs/services.md); a host leaves by `arpanet hosts rm` (501)',
    reason: 'As above.',
  },
  {
    route: KEPT,
    at: /^(status|body|body\..*|headers\.content-type)$/,
    when: [/^503$|<absent>|This node is not a swarm manager|^"application\/json"$/, /./],
    what: 'secrets and configs',
    dockers: '503 `This node is not a swarm manager…`',
    ours: 'kept, up to 256 KiB each, and files in the containers of the services that name them',
    reason: 'As above.',
  },
  {
    route: ['POST /swarm/init', 'POST /swarm/join'],
    at: /^(status|body|body\.message)$/,
    when: [/^400$|invalid ListenAddr/, /^(200|50[13])$|^"/],
    what: 'swarm init and join',
    dockers: 'make the Engine part of a swarm; 400 without an address to listen on',
    ours: 'init: it is one already, whatever is asked; join: 503, it is one already, and how hosts and schedulers join',
    reason: 'A cluster of Engines is not an Engine that could join another.',
  },
  {
    route: ['GET /containers/{id}/json', 'GET /images/{name*}/json', 'GET ?', '*'],
    at: /^(status|name|body|headers\.(location|content-type|api-version|docker-experimental|ostype))$/,
    label: /^(escaped slash and name|dots in the path|GET \/images\/%2E%2E\/json|GET \/containers\/%zz\/json)$/,
    what: 'paths that Go cleans by a redirect or cannot read: `//`, `/../`, an escaped slash before a name, a broken escape',
    dockers: '301 to the clean path; 400 in plain text',
    ours: '`%2Fname` is the container; dot segments are 404; 400 as JSON',
    reason: 'No client follows a redirect of a POST; a dot segment never names an object, and a proxy must not let one through.',
  },
  {
    route: ['GET /containers/json', 'GET /_ping', 'GET ?'],
    at: /^(body|headers\.(content-type|x-content-type-options|docker-experimental))$/,
    label: /^(too (old|new)|GET \/v1(\.1\.1)?\/_ping)$/,
    what: 'the refusal of API versions: the oldest is 1.24',
    dockers: '20.10 speaks 1.12 and later, refuses older ones in plain text',
    ours: '400 `client version … is too old` as JSON, as Engines since 25 do (their oldest is 1.24 too)',
    reason: 'The oldest version is the one that every host speaks, newer Engines included.',
  },
  {
    route: [...FILTERED, ...BODIES, 'GET /containers/{id}/json', 'POST /containers/{id}/stop', 'POST /containers/create'],
    at: /^(status|said\.status)$/,
    engine: '20.10',
    when: [/^500$/, /^400$|^404$/],
    what: 'status of bad filters, bad bodies, ambiguous prefixes, unreadable numbers',
    dockers: '20.10 says 500 to some',
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
    what: 'words about bad filters',
    dockers: '`Invalid filter …` until 20.10, and Go’s own about JSON and numbers',
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
    what: 'words about bad bodies',
    dockers: '20.10: those of Go',
    ours: '`invalid JSON: …`, `unsupported Content-Type header …`',
    reason: OLD,
  },
  {
    route: ['GET /containers/{id}/json', 'POST /containers/{id}/stop', 'POST /containers/{id}/kill'],
    at: /^(body\.)?message$/,
    engine: '20.10',
    when: [/^"(\{\\"message\\":\\"Multiple IDs|Cannot kill)/, /^"(\{\\"message\\":\\"multiple IDs|cannot kill)/],
    what: 'words about ambiguous prefixes, and of kill',
    dockers: '20.10 begins them with a capital letter',
    ours: 'a small one',
    reason: OLD,
  },
  {
    route: ['POST /networks/create', 'GET /networks/{id}', 'POST /networks/{id}/connect'],
    at: /^(|status|body\.(Id|Warning|message))$/,
    label:
      /^((create|inspect): (no subnet|subnet without mask|host bits|gateway outside|range outside|aux outside|bad gateway)|a bad address|an address (in no subnet|outside))$/,
    engine: '20.10',
    what: 'subnets, gateways, ranges and addresses that do not fit together',
    dockers: '20.10 takes some of them, and has words of its own for others',
    ours: '400 `invalid network config: …`, `invalid endpoint settings: …`',
    reason: OLD,
  },
  {
    route: 'GET /images/json',
    at: /^(status|said)$/,
    label: /^filter \{"until"/,
    engine: '20.10',
    what: 'filter `until` of images',
    dockers: '20.10 does not know it',
    ours: 'known',
    reason: 'The list is made here, whatever the hosts run.',
  },
];
