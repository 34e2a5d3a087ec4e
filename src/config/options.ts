/** All settings as data: the command line, the environment, the YAML file and the reference page are made from this table. */

/** The commands whose flags are settings. */
export const COMMANDS = ['up', 'scheduler', 'agent', 'token', 'hosts', 'status', 'audit'] as const;
/** One of COMMANDS. */
export type Command = (typeof COMMANDS)[number];

export interface Option {
  /** The flag without dashes; also the key in the YAML file. The variable is `environmentName(name)`. */
  readonly name: string;
  /** The placeholder after the flag in help: `HOST:PORT`. Absent: a switch. */
  readonly value?: string;
  readonly help: string;
  /** By command: its default as a user would write it, or `required`, or neither. */
  readonly commands: Partial<Readonly<Record<Command, { readonly default?: string; readonly required?: true; readonly help?: string }>>>;
  /** May be given several times: a list in YAML, separated by commas in the environment. */
  readonly repeated?: true;
  /** `arpanet config set` changes it for the whole cluster at run time, and overrides every process's own. */
  readonly live?: true;
  /** Not a flag: every user of the machine can read command lines. */
  readonly secret?: true;
}

const optional = {} as const;
const servers = (value: string) => ({ up: { default: value }, scheduler: { default: value } }) as const;
const clients = { token: optional, hosts: optional, status: optional, audit: optional } as const;

const ENDPOINTS =
  'the Docker endpoint: tcp://ADDR:PORT, tls://ADDR:PORT, unix:///PATH?mode=0660&group=NAME; may be given several times. tcp:// is plain on loopback; elsewhere it has TLS with the certificates of --tls-…, or is plain with --insecure, and is refused without either. tls:// has TLS everywhere, with the cluster’s own certificates where there is no --tls-…';

/** All settings of all commands. */
export const OPTIONS: readonly Option[] = [
  {
    name: 'config',
    value: 'FILE',
    help: 'YAML file with any of these settings; flags and ARPANET_* variables override it',
    commands: { up: optional, scheduler: optional, agent: optional, ...clients },
  },
  {
    name: 'hosts',
    value: 'N',
    help: 'start N Docker Engines in network namespaces of this machine, instead of using the one that runs here',
    commands: { up: optional },
  },
  {
    name: 'listen',
    value: 'ADDRESS',
    help: 'address to listen on',
    repeated: true,
    commands: {
      up: { default: 'tcp://127.0.0.1:2375', help: ENDPOINTS },
      scheduler: { required: true, help: ENDPOINTS },
      agent: { help: 'ADDR:PORT of the engine gateway, which the schedulers and other agents dial (default: port 2376 of --address)' },
    },
  },
  {
    name: 'insecure',
    help: 'listen without TLS on addresses that other machines reach: any client that reaches one is root on every host',
    commands: { up: optional, scheduler: optional },
  },
  ...(
    [
      ['tls-ca', 'certificates of the CAs that clients must have theirs from, in PEM form'],
      ['tls-cert', 'certificate of this scheduler, in PEM form'],
      ['tls-key', 'private key of --tls-cert, in PEM form'],
    ] as const
  ).map(([name, help]) => ({ name, help, value: 'FILE', commands: { up: optional, scheduler: optional } })),
  {
    name: 'allow-host',
    value: 'NAME',
    help: 'a name by which clients reach this scheduler (*.corp.example: all below it), besides addresses, its own name and names without a dot; may be given several times',
    commands: { up: optional, scheduler: optional },
    repeated: true,
  },
  {
    name: 'audit-log',
    value: 'FILE|-',
    help: 'write a line of JSON for each call that changes something or is refused, to this file or (-) to standard output',
    commands: { up: optional, scheduler: optional },
  },
  {
    name: 'traces-to',
    value: 'URL',
    help: 'send OpenTelemetry spans of requests that change something to this address of a collector, by OTLP/HTTP, such as http://127.0.0.1:4318/v1/traces',
    commands: { up: optional, scheduler: optional },
  },
  {
    name: 'advertise',
    value: 'http://ADDR:PORT',
    help: 'where the other schedulers reach this one (default: the address it listens on)',
    commands: { scheduler: optional },
  },
  {
    name: 'name',
    value: 'NAME',
    help: 'its name in the cluster',
    commands: {
      scheduler: { help: "this scheduler's name (default: the machine's host name)" },
      agent: { required: true, help: "this host's name, unique in the cluster: a-z, 0-9 and -" },
    },
  },
  {
    name: 'store',
    value: 'URL',
    help: 'where the state is kept: consul://HOST:PORT, or embedded:DIR for a single scheduler',
    commands: { scheduler: { required: true } },
  },
  {
    name: 'pool',
    value: 'CIDR',
    help: "address range from which deployments' networks get their subnets",
    commands: servers('10.32.0.0/12'),
    live: true,
  },
  {
    name: 'strategy',
    value: 'spread|binpack|random',
    help: 'how hosts are chosen among those that fit: the least busy, the fullest, any',
    commands: servers('spread'),
    live: true,
  },
  {
    name: 'join',
    value: 'URL,…',
    help: 'schedulers to join, https://ADDR:PORT, or http://ADDR:PORT without TLS; one that answers is enough',
    commands: { agent: { required: true } },
    repeated: true,
  },
  {
    name: 'address',
    value: 'IP',
    help: "this machine's address, at which the other hosts reach it",
    commands: { agent: { required: true } },
  },
  {
    name: 'engine',
    value: 'URL',
    help: 'the Docker Engine: unix:///PATH or tcp://HOST:PORT',
    commands: { up: { default: 'unix:///var/run/docker.sock' }, agent: { default: 'unix:///var/run/docker.sock' } },
  },
  {
    name: 'label',
    value: 'KEY=VALUE',
    help: 'a label of this host, for placement constraints; may be given several times',
    commands: { agent: optional },
    repeated: true,
  },
  {
    name: 'overlay',
    value: 'vxlan|none',
    help: 'how containers reach those on other hosts; none if the agent is not in its Engine’s network namespace',
    commands: { agent: { default: 'vxlan' } },
  },
  {
    name: 'data',
    value: 'DIR',
    help: 'directory for data that must survive a restart',
    commands: {
      up: { help: 'directory for the cluster’s state (default: a temporary one, removed with the cluster)' },
      agent: { default: '/var/lib/arpanet' },
    },
  },
  {
    name: 'join-token',
    value: 'TOKEN',
    help: 'the secret that agents and schedulers share; without one a scheduler creates it and keeps it in the store',
    commands: { up: optional, scheduler: optional, agent: optional },
    secret: true,
  },
  {
    name: 'token-file',
    value: 'FILE',
    help: 'file that holds the join token',
    commands: { up: optional, scheduler: optional, agent: optional },
  },
  {
    name: 'consul-token',
    value: 'TOKEN',
    help: 'the ACL token with which Consul is asked',
    commands: { scheduler: optional },
    secret: true,
  },
  ...(
    [
      ['consul-token-file', 'file that holds the ACL token for Consul'],
      ['consul-ca', 'the CA of Consul’s certificate, in PEM form: Consul is asked by TLS'],
      ['consul-cert', 'the certificate that Consul is shown (verify_incoming), in PEM form'],
      ['consul-key', 'the private key of --consul-cert'],
    ] as const
  ).map(([name, help]) => ({ name, help, value: 'FILE', commands: { scheduler: optional } })),
  {
    name: 'cluster-key',
    value: 'FILE',
    help: 'file of the key that seals secrets in the store; made where there is none. Every scheduler needs the same one (default: DIR/cluster.key with the embedded store; with Consul nothing is sealed)',
    commands: { scheduler: optional },
  },
  {
    name: 'dns-listen',
    value: 'ADDR:PORT|none',
    help: 'with the embedded store, the scheduler answers DNS queries for *.service.consul here, as Consul would',
    commands: servers('127.0.0.1:8600'),
  },
  {
    name: 'publish-at',
    value: 'ADDRESS|none',
    help: 'TCP ports that containers publish on their hosts are also reachable at this address',
    commands: {
      up: { help: 'TCP ports that containers publish are also reachable here (default with --hosts: the address of --listen)' },
      scheduler: {
        help: 'TCP ports that containers publish are also reachable here, on the leader; no Docker Engine may have this address',
      },
    },
  },
  {
    name: 'dns-upstream',
    value: 'ADDR[:PORT]',
    help: 'a DNS server for all other names (default: dockerd --dns, else those of /etc/resolv.conf); may be given several times',
    commands: { agent: optional },
    repeated: true,
  },
  {
    name: 'consul-dns',
    value: 'HOST:PORT',
    help: 'Consul’s DNS, for names in .consul outside this cluster (default: the leader asks that of its own Consul)',
    commands: { agent: optional },
  },
  ...(
    [
      [
        'http',
        'PORT',
        'this host answers HTTP here (80), for services by the host name and path of their label arpanet.http; it needs haproxy (default: it does not)',
      ],
      ['https', 'PORT', 'the same by TLS (443), with the certificates of --http-certs'],
      [
        'http-certs',
        'DIR',
        'directory of PEM files for --https, each a certificate, those of its CAs and its key; read again when one changes',
      ],
    ] as const
  ).map(([name, value, help]) => ({ name, value, help, commands: { agent: optional } })),
  {
    name: 'host-down-after',
    value: 'TIME',
    help: 'a host is down when it has not been heard from for this long',
    commands: servers('10s'),
    live: true,
  },
  {
    name: 'host-grace',
    value: 'TIME',
    help: 'how long a new leader waits for known hosts before they count as down',
    commands: servers('10s'),
  },
  {
    name: 'lease-rest',
    value: 'TIME',
    help: 'how long a released address is kept free before another container can get it',
    commands: servers('60s'),
    live: true,
  },
  {
    name: 'overcommit-cpu',
    value: 'RATIO',
    help: 'how many times the CPUs of a host its containers may reserve',
    commands: servers('1'),
    live: true,
  },
  {
    name: 'overcommit-memory',
    value: 'RATIO',
    help: 'how many times the memory of a host its containers may reserve',
    commands: servers('1'),
    live: true,
  },
  {
    name: 'encrypt-networks',
    value: 'asked|all',
    help: 'which new networks are encrypted between hosts, by WireGuard: those created with the option encrypted, or all',
    commands: servers('asked'),
    live: true,
  },
  {
    name: 'publish-mode',
    value: 'host|ingress',
    help: 'which hosts answer at ports of docker run -p and of compose: that of the container, or every host (label arpanet.publish: for one)',
    commands: servers('host'),
    live: true,
  },
  {
    name: 'drain-time',
    value: 'TIME',
    help: 'how long docker stop and compose stop leave a container running after it has left DNS (label arpanet.drain-time: for one)',
    commands: servers('0s'),
    live: true,
  },
  {
    name: 'session-ttl',
    value: 'TIME',
    help: 'a leader that is not heard from loses the lock after this long (10s or more)',
    commands: servers('10s'),
  },
  {
    name: 'body-limit',
    value: 'SIZE',
    help: 'largest JSON body of a request; image and archive uploads have no limit',
    commands: servers('4MiB'),
    live: true,
  },
  {
    name: 'stream-limit',
    value: 'N',
    help: 'how many streams (attach, exec, logs, events, stats, cp, waits) a leader serves at once; more are refused',
    commands: servers('20000'),
  },
  {
    name: 'client-connections',
    value: 'N',
    help: 'how many connections one client may have open: a certificate, or an address (IPv6: a /64) without one; all of this machine without certificates have 20 times as many together. More are refused with 429',
    commands: servers('1000'),
  },
  {
    name: 'client-streams',
    value: 'N',
    help: 'how many streams and uploads one client may have at once; all of this machine without certificates have 20 times as many together. More are refused with 429',
    commands: servers('1000'),
  },
  {
    name: 'request-time',
    value: 'TIME',
    help: 'how long a client may take to send the head of a request, and again for a JSON body; later 408',
    commands: servers('1m'),
  },
  {
    name: 'stall-time',
    value: 'TIME',
    help: 'a client that sends nothing of an upload, or takes nothing of an answer, for this long is disconnected; uploads and answers that make progress last as long as they need',
    commands: servers('10m'),
  },
  {
    name: 'stream-stall-time',
    value: 'TIME',
    help: 'the same for streams (attach, exec, logs, events, cp, progress of builds and pulls) whose reader takes nothing of what waits for it; a stream that has nothing to send stays',
    commands: servers('24h'),
  },
  {
    name: 'events-behind-limit',
    value: 'SIZE',
    help: 'a reader of events that is this far behind is disconnected; it can continue with --since',
    commands: servers('8MiB'),
  },
  {
    name: 'reschedule',
    value: 'restart|label',
    help: 'what starts elsewhere when its host is lost, besides services with a maintained count: compose services with restart always or unless-stopped and nothing of the host, or only what has the label arpanet.reschedule=on-host-failure',
    commands: servers('restart'),
    live: true,
  },
  {
    name: 'endpoint',
    value: 'URL',
    help: 'the scheduler to ask: tcp://HOST:PORT or unix:///PATH (default: as docker, by DOCKER_HOST or its context, else tcp://127.0.0.1:2375)',
    commands: clients,
  },
  {
    name: 'context',
    value: 'NAME',
    help: 'the docker context to ask (default: as docker, DOCKER_CONTEXT or the one in use)',
    commands: clients,
  },
  { name: 'fix', help: 'repair what differs', commands: { audit: optional } },
  {
    name: 'discard',
    value: 'KEY',
    help: 'delete the record at this key, which cannot be read and is set aside',
    commands: { audit: optional },
  },
  { name: 'json', help: 'print JSON instead of a table', commands: clients },
  {
    name: 'log-level',
    value: 'LEVEL',
    help: 'fatal, error, warn, info, debug, trace or silent',
    commands: { ...servers('info'), agent: { default: 'info' } },
    live: true,
  },
];

/** `dns-listen` -> `ARPANET_DNS_LISTEN`. */
export function environmentName(option: string): string {
  return `ARPANET_${option.toUpperCase().replaceAll('-', '_')}`;
}

/** The settings that a command has, in the order of its help. */
export function optionsOf(command: Command): readonly Option[] {
  return OPTIONS.filter((option) => option.commands[command] !== undefined);
}
