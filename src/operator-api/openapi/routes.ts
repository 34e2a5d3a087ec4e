/** The routes of `/arpanet/v1` as the reference has them: one line for each that the router has, which a test checks both ways. Plain data. */
import type { AnswerName } from './answers.ts';

export interface QueryDoc {
  readonly name: string;
  readonly description: string;
  readonly example: string;
  readonly required?: true;
}

export interface RouteDoc {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** Below `/arpanet/v1`, as express has it. */
  readonly path: string;
  readonly tag: 'cluster' | 'hosts' | 'services' | 'names' | 'repair' | 'settings' | 'users';
  readonly summary: string;
  readonly query?: readonly QueryDoc[];
  readonly body?: { readonly type: string; readonly required: readonly string[]; readonly example: unknown };
  readonly answer: AnswerName;
  /** Long work: lines of JSON, `{"progress": TEXT}` each, and last `{"result": …}` with the answer, or `{"error": TEXT}`. */
  readonly isWork?: true;
}

const CREATE = { name: 'abc_web_1', request: { Image: 'web:1', HostConfig: { Memory: 536_870_912 } } };
const TEMPLATE = { name: 'abc_web_1', number: 1, request: { Image: 'web:1' } };
const MAX: QueryDoc = { name: 'max', description: 'At most so many instances are moved.', example: '3' };
const ONTO: QueryDoc = { name: 'onto', description: 'Only onto this host.', example: 'h2' };
const cleanFlag = (name: string, description: string): QueryDoc => ({ name, description, example: 'true' });

const services = (verb: string, summary: string): RouteDoc => ({
  method: 'post',
  path: `/services/${verb}`,
  tag: 'services',
  summary,
  body: { type: 'arpanet.ServicesRequest', required: ['services'], example: { services: ['abc/web'] } },
  answer: 'ServiceNames',
  isWork: true,
});
const onHost = (verb: string, summary: string, answer: AnswerName, example: unknown = {}): RouteDoc => ({
  method: 'post',
  path: `/hosts/:host/${verb}`,
  tag: 'hosts',
  summary,
  body: { type: 'arpanet.HostRequest', required: [], example },
  answer,
  isWork: true,
});
const get = (path: string, tag: RouteDoc['tag'], summary: string, answer: AnswerName, query?: readonly QueryDoc[]): RouteDoc => ({
  method: 'get',
  path,
  tag,
  summary,
  answer,
  ...(query && { query }),
});

export const ROUTE_DOCS: readonly RouteDoc[] = [
  get('/health', 'cluster', 'Whether this scheduler leads, and who does. Answered by any scheduler itself.', 'Health'),
  get('/status', 'cluster', 'Problems first, then leader, schedulers, hosts and deployments.', 'Status'),
  get('/top', 'cluster', 'Hosts, and what their containers use now, the busiest first.', 'Top'),
  get('/explain/:container', 'cluster', 'Why a container is where it is, or why its create was refused.', 'Decision'),
  get(
    '/watch',
    'cluster',
    'Server-sent events: all rows, then what changes of them (`rows`) and what happens (`event`). It ends with the leadership: open it again.',
    'Watch',
  ),
  get('/openapi.json', 'cluster', 'This reference.', 'Empty'),
  {
    method: 'post',
    path: '/schedulers',
    tag: 'cluster',
    summary: 'A follower announces itself to the leader, or that it ends.',
    body: {
      type: 'arpanet.SchedulerRequest',
      required: ['name', 'url'],
      example: { name: 's2', url: 'http://10.0.0.2:2375', gone: false, faults: { unexpectedErrors: 0, refusedMessages: 0 } },
    },
    answer: 'Empty',
  },
  {
    method: 'post',
    path: '/rehearse',
    tag: 'cluster',
    summary: 'Where these would go if they were created now, one after the other, and which addresses they would get. Changes nothing.',
    body: {
      type: 'arpanet.RehearseRequest',
      required: ['creates'],
      example: { creates: [CREATE], networks: [{ Name: 'abc_default' }], hold: false },
    },
    answer: 'Rehearsal',
  },
  get('/dial', 'cluster', 'Whether a port of a container accepts connections from a host.', 'Dial', [
    { name: 'host', description: 'Who calls.', example: 'h1', required: true },
    { name: 'container', description: 'The id of a container of the cluster.', example: 'f00d', required: true },
    { name: 'address', description: 'One of its addresses.', example: '10.32.0.64', required: true },
    { name: 'port', description: '1 to 65535.', example: '80', required: true },
  ]),
  get('/hosts', 'hosts', 'All hosts, also those that are expected.', 'Hosts'),
  get('/hosts/:host', 'hosts', 'All that is known of one host.', 'Host'),
  {
    method: 'post',
    path: '/hosts',
    tag: 'hosts',
    summary: 'Lets a host join by this name.',
    body: {
      type: 'arpanet.HostRequest',
      required: ['name'],
      example: { name: 'h4', address: '10.0.0.14', labels: { rack: 'r2' }, limits: { cpus: 2, memoryBytes: 4_294_967_296 } },
    },
    answer: 'HostAdded',
    isWork: true,
  },
  {
    method: 'post',
    path: '/hosts/:host/update',
    tag: 'hosts',
    summary: 'Labels, limits, and whether it takes new containers. null removes a label or a limit.',
    body: {
      type: 'arpanet.HostRequest',
      required: [],
      example: { availability: 'pause', labels: { rack: 'r1', old: null }, limits: { maxContainers: 20 } },
    },
    answer: 'HostRecord',
  },
  { method: 'post', path: '/hosts/:host/activate', tag: 'hosts', summary: 'The host takes new containers again.', answer: 'Activated' },
  onHost('drain', 'Moves its instances elsewhere. At the deadline it ends and lists what stayed.', 'Drained', { deadlineMs: 600_000 }),
  onHost('fillup', 'Activates it, resumes what is paused there, and moves instances onto it from fuller hosts.', 'FilledUp'),
  onHost('rm', 'Takes it out of the cluster. Refused while it has containers or volumes, unless forced.', 'HostRemoved', { force: false }),
  onHost('reset', 'Removes all that the cluster made there. Refused while containers run, unless forced.', 'HostReset', { force: false }),
  {
    method: 'post',
    path: '/hosts/:host/revoke',
    tag: 'hosts',
    summary: 'Its certificate counts no more, its stream ends, and it may not join again until it is readmitted.',
    answer: 'HostName',
  },
  {
    method: 'post',
    path: '/hosts/:host/readmit',
    tag: 'hosts',
    summary: 'One that was revoked may join again, by the token.',
    answer: 'HostName',
  },
  get('/hosts/:host/clean', 'hosts', 'What a clean would remove now.', 'CleanPlan', [
    cleanFlag('all', 'Also images that no container of the host uses.'),
    cleanFlag('volumes', 'Also volumes without a name that no container has.'),
    cleanFlag('networks', "Also networks of the host's own Engine that no container is on."),
  ]),
  onHost('clean', 'Removes ended one-off containers, images without a name, the build cache; more with the flags.', 'Cleaned', {
    all: false,
    volumes: false,
    networks: true,
  }),
  get('/rebalance', 'hosts', 'The fewest moves that make hosts evenly full. Changes nothing.', 'RebalancePlan', [MAX, ONTO]),
  {
    method: 'post',
    path: '/rebalance',
    tag: 'hosts',
    summary: 'Makes these moves.',
    body: { type: 'arpanet.RebalanceRequest', required: [], example: { max: 3, onto: 'h2' } },
    answer: 'Moved',
    isWork: true,
  },
  get('/services', 'services', 'Services with their counts and instances.', 'Services', [
    { name: 'of', description: 'A deployment, or a service such as abc/web.', example: 'abc' },
  ]),
  {
    method: 'post',
    path: '/services/scale',
    tag: 'services',
    summary: 'Sets counts, which the cluster then maintains.',
    body: { type: 'arpanet.ServicesRequest', required: ['counts'], example: { counts: ['abc/web=3', 'abc/worker+1'] } },
    answer: 'Scaled',
    isWork: true,
  },
  get('/services/scale', 'services', 'Where the instances of another count would go. Changes nothing.', 'ScalePlan', [
    { name: 'count', description: 'A service and its count.', example: 'abc/web=5', required: true },
  ]),
  services('stop', 'Stops all instances; they stay stopped.'),
  services('start', 'Starts what was stopped.'),
  services('restart', 'Restarts all instances.'),
  services('rm', 'Removes services or a whole deployment, with all instances.'),
  { ...services('rollback', 'Back to what the service was before its last update.'), answer: 'Update' },
  {
    method: 'post',
    path: '/services/update',
    tag: 'services',
    summary: 'Replaces instances a few at a time, each healthy before the next.',
    body: {
      type: 'arpanet.UpdateRequest',
      required: ['services'],
      example: {
        services: ['abc/web'],
        image: 'web:2',
        env: ['LEVEL=info'],
        force: false,
        settings: { parallelism: 1, order: 'start-first' },
      },
    },
    answer: 'Update',
    isWork: true,
  },
  {
    method: 'post',
    path: '/services/create',
    tag: 'services',
    summary: 'Makes a service that runs once on every host.',
    body: {
      type: 'arpanet.ReplaceRequest',
      required: ['service', 'isGlobal', 'template'],
      example: { service: 'abc/agent', isGlobal: true, template: TEMPLATE },
    },
    answer: 'Nothing',
    isWork: true,
  },
  {
    method: 'post',
    path: '/services/replace',
    tag: 'services',
    summary: 'Brings a service to another template and count.',
    body: {
      type: 'arpanet.ReplaceRequest',
      required: ['service', 'desired', 'template'],
      example: { service: 'abc/web', desired: 3, template: TEMPLATE, settings: { onFailure: 'rollback' } },
    },
    answer: 'Update',
    isWork: true,
  },
  get('/networks', 'names', 'Networks with the addresses in use.', 'Networks'),
  get('/names', 'names', 'Instances that DNS may answer with.', 'Names'),
  get('/records', 'names', 'Names that operators added.', 'Records'),
  {
    method: 'post',
    path: '/records',
    tag: 'names',
    summary: 'Adds an entry to a name.',
    body: {
      type: 'arpanet.RecordRequest',
      required: ['name', 'type', 'value'],
      example: { name: 'outside.abc', type: 'A', value: '192.0.2.7' },
    },
    answer: 'Record',
  },
  {
    method: 'post',
    path: '/records/rm',
    tag: 'names',
    summary: 'Removes a name, all entries of a type, or one entry.',
    body: { type: 'arpanet.RecordRequest', required: ['name'], example: { name: 'outside.abc', type: 'A' } },
    answer: 'Record',
  },
  get('/config', 'settings', 'Settings of the whole cluster.', 'Settings'),
  {
    method: 'put',
    path: '/config/:name',
    tag: 'settings',
    summary: 'Sets one; it counts at once for all schedulers and agents.',
    body: { type: 'arpanet.SettingRequest', required: ['value'], example: { value: 'binpack' } },
    answer: 'Setting',
  },
  { method: 'delete', path: '/config/:name', tag: 'settings', summary: 'Back to what the leader was started with.', answer: 'Setting' },
  get('/users', 'users', 'Users of the cluster. For administrators, as all below it.', 'Users'),
  {
    method: 'post',
    path: '/users',
    tag: 'users',
    summary: 'Adds one, and issues a certificate for its key. The private key stays where it was made.',
    body: {
      type: 'arpanet.UserRequest',
      required: ['name', 'role'],
      example: { name: 'ada', role: 'deployer', deployments: ['abc'], ttlMs: 7_776_000_000, publicKey: '-----BEGIN PUBLIC KEY-----' },
    },
    answer: 'UserBundle',
  },
  {
    method: 'post',
    path: '/users/:name/renew',
    tag: 'users',
    summary: 'Issues another certificate; the one before counts until it is over.',
    body: {
      type: 'arpanet.UserRequest',
      required: ['publicKey'],
      example: { ttlMs: 7_776_000_000, publicKey: '-----BEGIN PUBLIC KEY-----' },
    },
    answer: 'UserBundle',
  },
  { method: 'post', path: '/users/:name/rm', tag: 'users', summary: 'Removes one; its connections end at once.', answer: 'User' },
  get('/policy', 'users', 'What roles have to obey in what they create.', 'Policies'),
  {
    method: 'put',
    path: '/policy',
    tag: 'users',
    summary: 'Sets what roles have to obey, in place of all that was set before. For administrators.',
    body: { type: 'arpanet.PolicyRequest', required: ['policy'], example: { policy: 'deployer:\n  binds: [/srv/abc]\n' } },
    answer: 'Policies',
  },
  {
    method: 'post',
    path: '/policy/test',
    tag: 'users',
    summary: 'Which of these would be refused, and by which rules. Changes nothing.',
    body: {
      type: 'arpanet.PolicyTestRequest',
      required: ['creates'],
      example: { role: 'deployer', creates: [CREATE], volumes: [{ Name: 'data' }], networks: [{ Name: 'abc_default' }] },
    },
    answer: 'PolicyRefusals',
  },
  get('/token', 'settings', 'The join token.', 'Token'),
  {
    method: 'post',
    path: '/token',
    tag: 'settings',
    summary: 'Makes a join token that ends after a time (a day), and with the first host that joins by it if it is for a single use.',
    body: { type: 'arpanet.TokenRequest', required: [], example: { singleUse: true, ttlMs: 3_600_000, host: 'h4' } },
    answer: 'IssuedToken',
  },
  {
    method: 'post',
    path: '/token/rotate',
    tag: 'settings',
    summary: 'Makes another join token; the one before joins nobody any more. Refused while there are hosts without TLS.',
    answer: 'Token',
  },
  get('/keys', 'settings', 'What the cluster keys are called, and which schedulers lack the one that seals.', 'Keys'),
  {
    method: 'post',
    path: '/keys/rotate',
    tag: 'settings',
    summary: 'Makes another cluster key, which seals once every scheduler has it.',
    answer: 'Keys',
  },
  get('/cas', 'settings', 'Which CAs are trusted, and who has certificates of one before.', 'Cas'),
  {
    method: 'post',
    path: '/cas/rotate',
    tag: 'settings',
    summary: 'Lets another CA sign from now on; the one before is trusted still.',
    answer: 'Cas',
  },
  {
    method: 'post',
    path: '/cas/finish',
    tag: 'settings',
    summary: 'Trusts the CA that signs alone. Refused while hosts or users have certificates of the one before, unless forced.',
    body: { type: 'arpanet.CaFinishRequest', required: [], example: { force: false } },
    answer: 'Cas',
  },
  get('/ca', 'settings', "The certificates of the cluster's CAs, in PEM form.", 'Bundle'),
  {
    method: 'post',
    path: '/join',
    tag: 'settings',
    summary: 'Gives a host its certificate, for the join token or for one that it has.',
    body: {
      type: 'arpanet.JoinRequest',
      required: ['name', 'publicKey', 'clockMs'],
      example: { name: 'h4', publicKey: '-----BEGIN PUBLIC KEY-----…', token: 'join-me', clockMs: 1_795_982_400_000 },
    },
    answer: 'Certificate',
  },
  get('/join.sh', 'settings', 'The script by which a machine joins; it needs no certificate.', 'Text'),
  get('/package', 'settings', 'The package that this scheduler runs from (tar.gz, with Node); it needs no certificate.', 'Text'),
  get(
    '/installer',
    'settings',
    'Where machines reach this scheduler to join, its key there, and the checksum of the package.',
    'Installer',
  ),
  {
    method: 'post',
    path: '/join/check',
    tag: 'settings',
    summary: 'What is in the way of a machine that is to join: lines of KIND|WHAT|WHAT TO DO.',
    body: {
      type: 'arpanet.JoinCheckRequest',
      required: ['name', 'token', 'clockMs'],
      example: { name: 'h4', token: 'join-me', address: '10.0.0.14', clockMs: 1_795_982_400_000 },
    },
    answer: 'Text',
  },
  get('/backup', 'repair', 'All that the store has.', 'Backup'),
  get('/audit-log', 'users', 'The last lines of the audit log of the leader, as lines of JSON. For administrators.', 'AuditLine', [
    { name: 'follow', description: '1: and those that come, until the leadership ends.', example: '1' },
    { name: 'user', description: 'Only of this user.', example: 'ada' },
  ]),
  get('/audit', 'repair', 'Compares store, Engines, networks, names and catalog.', 'Audit'),
  { method: 'post', path: '/audit/fix', tag: 'repair', summary: 'Lets the reconcilers run, then compares.', answer: 'Audit' },
  {
    method: 'post',
    path: '/audit/discard',
    tag: 'repair',
    summary: 'Deletes a record of the store that cannot be read.',
    body: { type: 'arpanet.DiscardRequest', required: ['key'], example: { key: 'arpanet/services/abc/web' } },
    answer: 'Discarded',
  },
];
