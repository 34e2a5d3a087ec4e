/** Where a cluster answers something wrong otherwise than a bare Engine 20.10, and why. Pure. */

export interface Said {
  /** 0: none, the connection broke. */
  readonly status: number;
  readonly text: string;
  /** Of a refusal. */
  readonly message: string;
}

export interface Exception {
  readonly label: RegExp;
  readonly when: (docker: Said, ours: Said) => boolean;
  readonly reason: string;
  /** The first odd value of each field does not meet it. */
  readonly isRare?: true;
}

/** Fields that Engines since 23.0 have: 20.10 leaves them out unread, while the cluster looks at all that one of its hosts may read. */
export const NEWER =
  /\b(?:GwPriority|DNSNames|EnableIPv4|Seccomp|AppArmor|NoNewPrivileges|ReadOnlyNonRecursive|ReadOnlyForceRecursive|CreateMountpoint|Subpath|ImageOptions|TmpfsOptions\.Options|ClusterOptions|StartInterval|OomScoreAdj|MemorySwappiness|SwapBytes|ClusterVolumeSpec|Annotations|ConfigFrom)\b/;

/** Fields that would be tried for half a minute each: another registry is looked for on the network. */
export const OTHER_REGISTRY = /^POST \/auth serveraddress$/;

const is = (docker: number | RegExp, ours: number | RegExp) => (theirs: Said, own: Said) => {
  const fits = (said: Said, what: number | RegExp): boolean =>
    typeof what === 'number' ? said.status === what : what.test(`${said.status} ${said.message}`);
  return fits(theirs, docker) && fits(own, ours);
};

/** The first that fits is taken; a difference that fits none fails the test. */
export const EXCEPTIONS: readonly Exception[] = [
  {
    label: /./,
    when: (docker, ours) => docker.status === 500 && ours.status === 400 && docker.message === ours.message,
    reason: 'Engines before 23.0 take many mistakes of their clients for their own; later ones say 400, in the same words',
  },
  {
    label: /./,
    when: is(
      /^500 (?:json: |EOF|invalid character|unexpected e|unexpected E|strconv|[Ii]nvalid filter|parsing time|Content-Type|invalid name)/,
      400,
    ),
    reason: 'the same, and in the words of later ones',
  },
  { label: /./, when: is(0, /^[45]/), reason: 'an Engine breaks the connection off: it falls over the request, or stops to read it' },
  {
    label: /%|;/,
    when: is(/^(?:2|4)/, /^400 invalid (?:URL escape|semicolon)/),
    reason: 'one rule for all routes; an Engine refuses it only where it reads the query',
  },
  {
    label: /nobody/,
    when: is(/strconv|Invalid signal|Invalid filter/, /^404 /),
    reason: 'the cluster looks for the container first: on it depends which host is asked',
  },
  {
    label: /./,
    when: is(/^500 no such container/, /^404 No such container/),
    reason: 'Engines before 23.0 take an unknown container of a filter for a mistake of their own',
  },
  {
    label: /filters=/,
    when: is(/^400 .*json: cannot unmarshal/, /^400 .*[Ii]nvalid filter/),
    reason: '20.10 has Go’s words for filters that are no filters, later ones `invalid filter`',
  },
  {
    label: /rename/,
    when: is(204, /^400 Invalid container name/),
    reason: 'a name is a key of the store, too: it has 255 characters at most',
  },
  { label: /networks\/prune.*until/, when: is(/^500 parsing time/, 200), reason: 'a time before 1970: nothing is as old' },
  { label: /./, when: is(/\\x00/, /\\u0000/), reason: 'a NUL is written as JSON writes it' },
  { label: /images\/json filters=.*until/, when: is(400, /^(?:200|500)/), reason: '20.10 has no such filter; later ones have' },
  {
    label: /./,
    when: is(/^(?:200|201|400|500)/, /^501 .*(?:not supported|cannot become)/),
    reason: 'not supported: docs/services.md says what is',
  },
  {
    label: /POST \/networks\/create/,
    when: is(/swarm manager|non-overlapping IPv6|Invalid subnet|invalid CIDR/, /^(?:201|400 invalid network config)/),
    reason:
      'all networks of the cluster span its hosts, and an empty config asks for nothing; other contradictions are refused in the words of later Engines',
  },
  {
    label: /POST \/services\//,
    when: is(/^(?:200|201)/, /TargetPort|invalid target port|invalid published port|invalid p/),
    reason: 'a manager takes ports that no container can have, and each task fails; here they are refused',
  },
  {
    label: /POST \/services\//,
    when: is(/rpc error|^201/, /^40[04] /),
    reason: 'refused as well, in words of the cluster: a name is part of a DNS name, figures are written otherwise, an image is looked for',
  },
  {
    label: /POST \/services\/.*Networks\.0\.Target/,
    when: is(/^500 network /, /^404 network /),
    reason: 'Engines 20.10 take an unknown network of a service for a fault of their own',
  },
  {
    label: /= null$/,
    when: is(/^2/, /^400 null is no element/),
    reason: 'other versions fall over null in a list that they read through: it reaches none',
    isRare: true,
  },
  {
    label: /POST \/networks\/create Name = a NUL/,
    when: is(201, /^400 invalid network name/),
    reason: 'a name of the cluster is read by programs that end a text there',
    isRare: true,
  },
  {
    label: /POST \/services\/.*(?:Retries|Replicas) = the (?:smallest|largest) integer/,
    when: is(/^2/, /^400 .*(?:cannot be negative|at most)/),
    reason: 'a manager keeps 32 bits of one, and cannot list the tasks of the other any more',
    isRare: true,
  },
  {
    label: /POST \/nodes\//,
    when: is(/last manager of the swarm/, 200),
    reason: 'the bare Engine is the only manager of its swarm; hosts are workers',
  },
  {
    label: /POST \/swarm\/update/,
    when: is(400, 200),
    reason: 'hosts and schedulers use no certificates of a swarm: what is said of them is shown again',
  },
];
