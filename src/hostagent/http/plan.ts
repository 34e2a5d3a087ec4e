/**
 * What a host's proxy (HAProxy 2.6) is given: its configuration, and the commands that change servers while it runs. Pure.
 *
 * A call is led by its host name and path to one of all instances, by weight. One on this host is called at its own address; one on another through that host's
 * proxy (`hop`), with the instance's name in a header. A configuration changes with the names alone: where instances come and go, servers do, by the proxy's socket
 * (HAProxy management guide, `add server`), so that no connection ends.
 */
import { createHash } from 'node:crypto';
import { HTTP_HOP_PORT, type HttpInstance, type HttpSite, type HttpTable } from '../../model/http.ts';

/** Where clients are answered; undefined of both: nowhere, and only what other hosts pass on is. */
export interface HttpListen {
  readonly port: number | undefined;
  readonly tlsPort: number | undefined;
  /** A folder of PEM files, each with a certificate and its key. */
  readonly certificates: string | undefined;
}

export interface ProxyInput extends HttpTable {
  /** This host's name, and its address for other hosts. */
  readonly host: string;
  readonly address: string;
  readonly listen: HttpListen | undefined;
  /** For the socket and the lists. */
  readonly folder: string;
  /** As whom it works once it listens. */
  readonly user: string;
  readonly hasIpv6: boolean;
  /** It tells the certificates of now from others. */
  readonly certificatesStamp: string;
}

export interface ProxyServer {
  /** `ADDRESS:PORT` */
  readonly to: string;
  readonly weight: number;
  readonly isH2c: boolean;
}

/** By `BACKEND/NAME`. */
export type Servers = ReadonlyMap<string, ProxyServer>;

export interface ProxyPlan {
  /** It tells this configuration, servers aside, from others. */
  readonly version: string;
  readonly config: string;
  /** `shop.example.com/ b0123456789ab`, a line each. */
  readonly map: string;
  readonly hosts: readonly string[];
  readonly servers: Servers;
}

const HOP = 'hop';
const NAME_HEADER = 'X-Arpanet-Instance';
const UNSENT_HEADER = 'X-Arpanet-Unsent';
/** Of a backend and of its cookie. */
export const backendOf = (site: string): string => `b${digest(site)}`;
/** The same on every host, and another when what is called is another. */
export const serverName = ({ container, address, port, isH2c }: HttpInstance): string =>
  `i${digest(`${container} ${address}:${port} ${isH2c === true}`)}`;
export const pathsIn = (folder: string) =>
  ({
    socket: `${folder}/http.sock`,
    map: `${folder}/sites.map`,
    hosts: `${folder}/hosts.lst`,
    config: `${folder}/haproxy.cfg`,
    pid: `${folder}/haproxy.pid`,
  }) as const;

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

/** Undefined: there are no names to answer for. */
export function proxyPlan(input: ProxyInput): ProxyPlan | undefined {
  const { sites, host, address, listen, hosts } = input;
  if (sites.length === 0) return undefined;
  const edge = listen === undefined ? [] : sites;
  const servers = new Map<string, ProxyServer>();
  for (const { instances } of sites)
    for (const one of instances)
      if (one.host === host) servers.set(`${HOP}/${serverName(one)}`, server(one, `${one.address}:${one.port}`, 0));
  for (const { site, instances } of edge)
    for (const one of instances) {
      const to = one.host === host ? `${one.address}:${one.port}` : `${one.at}:${HTTP_HOP_PORT}`;
      servers.set(`${backendOf(site)}/${serverName(one)}`, server(one, to, one.weight));
    }
  const map = edge.map(({ site }) => `${site} ${backendOf(site)}\n`).join('');
  const shape = sections(input, edge);
  const version = digest(JSON.stringify([shape, map, input.certificatesStamp]));
  const config = shape.map((section) => textOf(section, version, servers)).join('\n');
  return { version, config, map, hosts: [...new Set([...hosts, address])].toSorted(), servers };
}

const server = ({ isH2c }: HttpInstance, to: string, weight: number): ProxyServer => ({ to, weight, isH2c: isH2c === true });

interface Section {
  readonly head: string;
  readonly lines: readonly string[];
}

function textOf({ head, lines }: Section, version: string, servers: Servers): string {
  const [kind, name] = head.split(' ');
  const own = kind === 'backend' ? [...servers].filter(([key]) => key.startsWith(`${name}/`)) : [];
  const all = [
    ...lines,
    ...(kind === 'global' ? [`description ${version}`] : []),
    ...own.map(([key, one]) => `server ${key.slice(key.indexOf('/') + 1)} ${words(one)}`),
  ];
  return `${head}\n${all.map((line) => `  ${line}\n`).join('')}`;
}

const words = ({ to, weight, isH2c }: ProxyServer): string => `${to} weight ${weight}${isH2c ? ' proto h2' : ''}`;

/** A WebSocket that a former worker still has, after the names have changed, ends with it. */
const LONGEST = '24h';

function sections(input: ProxyInput, edge: readonly HttpSite[]): readonly Section[] {
  const { folder, user, address } = input;
  const paths = pathsIn(folder);
  return [
    {
      head: 'global',
      lines: [
        `stats socket ${paths.socket} mode 600 level admin expose-fd listeners`,
        `user ${user}`,
        'maxconn 10000',
        // where the limit of open files is lower, fewer
        'no strict-limits',
        // a port that another proxy has is not shared with it: the start fails
        'noreuseport',
        `hard-stop-after ${LONGEST}`,
        'ssl-default-bind-options ssl-min-ver TLSv1.2',
      ],
    },
    {
      head: 'defaults',
      lines: [
        'mode http',
        'timeout connect 2s',
        'timeout http-request 30s',
        'timeout http-keep-alive 1m',
        'timeout client 1h',
        'timeout server 1h',
        `timeout tunnel ${LONGEST}`,
        // an instance that takes no connection was sent nothing: the next one is
        'retries 3',
        'retry-on conn-failure 425',
        'option redispatch 1',
      ],
    },
    {
      head: `frontend of-hosts`,
      lines: [
        `bind ${address}:${HTTP_HOP_PORT}`,
        `tcp-request connection reject unless { src -f ${paths.hosts} }`,
        `default_backend ${HOP}`,
      ],
    },
    hopSection(),
    ...(edge.length === 0 ? [] : [edgeSection(input), ...edge.map(backend)]),
  ];
}

/** An instance that takes no connection was sent nothing: the host that was called gets 425 (RFC 8470 section 5.2), and chooses another. */
function hopSection(): Section {
  return {
    head: `backend ${HOP}`,
    lines: [
      // weight 0: no instance but the one that is named
      `use-server %[req.hdr(${NAME_HEADER})] if TRUE`,
      'retries 0',
      'http-response set-var(txn.answered) bool(true)',
      `http-after-response set-header ${UNSENT_HEADER} 1 if { status 503 } !{ var(txn.answered) -m found }`,
      `http-after-response set-status 425 if { res.hdr(${UNSENT_HEADER}) -m found } !{ var(txn.answered) -m found }`,
    ],
  };
}

function edgeSection({ listen, folder, hasIpv6 }: ProxyInput): Section {
  const { port, tlsPort, certificates } = listen ?? {};
  const bind = (on: number | undefined, more = ''): readonly string[] =>
    on === undefined ? [] : [`bind *:${on}${more}`, ...(hasIpv6 ? [`bind :::${on} v6only${more}`] : [])];
  const secret = certificates === undefined ? undefined : ` ssl crt ${certificates} alpn h2,http/1.1`;
  const map = pathsIn(folder).map;
  return {
    head: 'frontend of-clients',
    lines: [
      ...bind(port),
      ...(secret === undefined ? [] : bind(tlsPort, secret)),
      'http-request set-var-fmt(txn.site) "%[req.hdr(host),field(1,:),lower]%[path]/"',
      `http-request set-var(txn.backend) var(txn.site),map_beg(${map})`,
      'http-request return status 404 content-type text/plain string "no service of the cluster has this name and path\\n" unless { var(txn.backend) -m found }',
      'http-request set-header X-Forwarded-For %[src]',
      'http-request set-header X-Forwarded-Host %[req.hdr(host)]',
      'http-request set-header X-Forwarded-Proto http',
      'http-request set-header X-Forwarded-Proto https if { ssl_fc }',
      // each that was tried takes no connection
      `http-response set-status 503 if { status 425 } { res.hdr(${UNSENT_HEADER}) -m found }`,
      `http-response del-header ${UNSENT_HEADER}`,
      'use_backend %[var(txn.backend)]',
    ],
  };
}

function backend({ site, isSticky }: HttpSite): Section {
  const name = backendOf(site);
  const path = site.slice(site.indexOf('/')).replace(/(.)\/$/, '$1');
  const sticky = [
    `http-request set-var(txn.kept) req.cook(arpanet-${name})`,
    'use-server %[var(txn.kept)] if { var(txn.kept) -m found }',
    `http-response add-header Set-Cookie "arpanet-${name}=%s; Path=${path}; HttpOnly; SameSite=Lax" unless { srv_name,strcmp(txn.kept) eq 0 }`,
  ];
  return { head: `backend ${name}`, lines: ['balance roundrobin', `http-send-name-header ${NAME_HEADER}`, ...(isSticky ? sticky : [])] };
}

/** A server as the proxy has it. */
export interface SeenServer extends Omit<ProxyServer, 'isH2c'> {
  /** It takes no new calls. */
  readonly isOut: boolean;
}

/** By `BACKEND/NAME`, the output of `show servers state` (HAProxy management guide; version 1 of its form). */
export function readServers(text: string): ReadonlyMap<string, SeenServer> {
  const lines = text.split('\n').filter((line) => /^\d+ /.test(line));
  return new Map(
    lines.map((line) => {
      const [, backend, , name, address, , admin, weight] = line.split(' ');
      return [`${backend}/${name}`, { to: `${address}:${line.split(' ')[18]}`, weight: Number(weight), isOut: Number(admin) % 2 === 1 }];
    }),
  );
}

/** Commands that make the proxy's servers what they should be. One that still has connections is out, and stays until they have ended. */
export function serverCommands(seen: ReadonlyMap<string, SeenServer>, wanted: Servers): readonly string[] {
  const come = [...wanted].flatMap(([key, one]) => {
    const had = seen.get(key);
    if (had === undefined) return [`add server ${key} ${words(one)}`, `enable server ${key}`];
    const [address, port] = one.to.split(':');
    return [
      ...(had.to === one.to ? [] : [`set server ${key} addr ${address} port ${port}`]),
      ...(had.weight === one.weight ? [] : [`set server ${key} weight ${one.weight}`]),
      ...(had.isOut ? [`set server ${key} state ready`] : []),
    ];
  });
  const gone = [...seen].flatMap(([key, { isOut }]) =>
    wanted.has(key) ? [] : [...(isOut ? [] : [`set server ${key} state maint`]), `del server ${key}`],
  );
  return [...come, ...gone];
}

/** Commands that make its list of hosts what it should be; `seen`: the output of `show acl`. */
export function hostCommands(seen: string, wanted: readonly string[], folder: string): readonly string[] {
  const file = pathsIn(folder).hosts;
  const known = new Set([...seen.matchAll(/^0x\w+ (\S+)$/gm)].map(([, address = '']) => address));
  return [
    ...wanted.filter((address) => !known.has(address)).map((address) => `add acl ${file} ${address}`),
    ...[...known].filter((address) => !wanted.includes(address)).map((address) => `del acl ${file} ${address}`),
  ];
}

/** What the proxy says of commands that it has carried out, or will another time. */
const EXPECTED = [
  'New server registered.',
  'Server deleted.',
  'Server still has connections attached to it, cannot remove it.',
  'no need to change the addr',
];

/** What it refused, of its answer to such commands. */
export const refusedIn = (answer: string): readonly string[] =>
  answer
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !EXPECTED.some((one) => line.startsWith(one)) && !/changed from /.test(line));

/** Why it does not start, or does not take a configuration, from what it prints; undefined: that says nothing of it. */
export function whyNot(said: string): string | undefined {
  const taken = [...said.matchAll(/cannot bind socket \(Address already in use\) for \[(\S+)\]/g)].map(([, at]) => at);
  if (taken.length > 0)
    return `another program has ${[...new Set(taken)].join(' and ')}: end it, or let this host's agent answer at other ports (--http, --https)`;
  const alerts = [...said.matchAll(/^.*\[ALERT\]\s+\(\d+\) : (?:config : )?(.*)$/gm)].map(([, text = '']) => text.trim());
  const whys = alerts.filter((text) => !/^(?:Error\(s\)|Fatal errors) found in configuration/.test(text));
  return whys.length === 0 ? undefined : whys.slice(0, 3).join('; ');
}
