import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { COMMANDS, LIVE, liveText, liveValue, loadConfig, OPTIONS, optionsOf, type Command, withLive } from '../../../src/config/index.ts';
import { CLIENT_SETTINGS, clientConfig, isClientCommand } from '../../../src/config/client.ts';
import { schemas } from '../../../src/config/schemas.ts';
import { ArpanetError } from '../../../src/model/index.ts';

const files: Record<string, string> = {
  'arpanet.yml': 'strategy: binpack\npool: 10.64.0.0/12\nlisten: tcp://10.0.0.1:2375\nstore: "embedded:/data"\n',
  'agent.yml': 'join: [http://a:1, http://b:2]\nname: h1\naddress: 10.0.0.5\nlabel: {rack: r1, ssd: true}\njoin-token: from-yaml\n',
  'slip.yml': 'stratgy: binpack\n',
  'agents-key.yml': 'overlay: none\n',
  'broken.yml': 'a: b\n c: [\n',
  'list.yml': '- a\n',
  'empty.yml': '',
  token: '  s3cret\n',
  blank: '\n',
};

function load<C extends Command>(command: C, flags: Record<string, unknown>, env: Record<string, string> = {}) {
  return loadConfig(command, {
    flags,
    env,
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`ENOENT ${path}`);
      return text;
    },
  });
}

const refused = (message: string | RegExp) => (error: unknown) => {
  assert(error instanceof ArpanetError && error.kind === 'invalid', String(error));
  if (typeof message === 'string') assert.equal(error.message, message);
  else assert.match(error.message, message);
  return true;
};

const agentFlags = { join: ['http://10.0.0.1:2375'], name: 'h1', address: '10.0.0.5' };
const schedulerFlags = { listen: 'tcp://10.0.0.1:2375', store: 'consul://10.0.0.1:8500' };

describe('loadConfig', () => {
  it('takes flags over environment over file over defaults', () => {
    const env = { ARPANET_POOL: '10.96.0.0/12', ARPANET_STORE: 'consul://c:8500', ARPANET_CONFIG: 'arpanet.yml' };
    const config = load('scheduler', { store: 'embedded:/flag' }, env);
    assert.deepEqual(config.store, { kind: 'embedded', dir: '/flag' });
    assert.equal(config.pool, '10.96.0.0/12');
    assert.equal(config.strategy, 'binpack');
    assert.deepEqual(config.listen, { host: '10.0.0.1', port: 2375 });
    assert.equal(config.hostDownAfter, 10_000);
  });

  it('knows every promised default', () => {
    assert.deepEqual(load('up', {}), {
      listen: { host: '127.0.0.1', port: 2375 },
      reschedule: 'restart',
      pool: '10.32.0.0/12',
      strategy: 'spread',
      dnsListen: { host: '127.0.0.1', port: 8600 },
      hostDownAfter: 10_000,
      hostGrace: 10_000,
      leaseRest: 60_000,
      overcommitCpu: 1,
      overcommitMemory: 1,
      drainTime: 0,
      encryptNetworks: 'asked',
      publishMode: 'host',
      sessionTtl: 10_000,
      bodyLimit: 4 * 1024 * 1024,
      streamLimit: 20_000,
      clientConnections: 1_000,
      clientStreams: 1_000,
      requestTime: 60_000,
      stallTime: 600_000,
      streamStallTime: 86_400_000,
      eventsBehindLimit: 8 * 1024 * 1024,
      logLevel: 'info',
      engine: { socketPath: '/var/run/docker.sock' },
    });
  });

  it('gives back a value that nobody can change', () => {
    const config = load('agent', { ...agentFlags, label: ['a=b'] });
    assert(Object.isFrozen(config) && Object.isFrozen(config.label) && Object.isFrozen(config.join));
  });

  it('reads repeated flags, lists in YAML, maps in YAML and commas in the environment', () => {
    assert.deepEqual(load('agent', { ...agentFlags, label: ['rack=r1', 'note=a=b,c'] }).label, { rack: 'r1', note: 'a=b,c' });
    assert.deepEqual(load('agent', agentFlags, { ARPANET_LABEL: 'rack=r1, ssd=true' }).label, { rack: 'r1', ssd: 'true' });
    const fromFile = load('agent', { config: 'agent.yml' });
    assert.deepEqual(fromFile.label, { rack: 'r1', ssd: 'true' });
    assert.deepEqual(fromFile.join, ['http://a:1', 'http://b:2']);
    assert.deepEqual(load('agent', { ...agentFlags, join: ['http://a:1,http://b:2'] }).join, ['http://a:1', 'http://b:2']);
  });

  it('reads the join token from a file, and lets a flag go over the environment and the YAML file', () => {
    assert.equal(load('agent', { ...agentFlags, tokenFile: 'token' }, { ARPANET_JOIN_TOKEN: 'env' }).joinToken, 's3cret');
    assert.equal(load('agent', { config: 'agent.yml' }, { ARPANET_TOKEN_FILE: 'token' }).joinToken, 's3cret');
    assert.equal(load('agent', { config: 'agent.yml' }).joinToken, 'from-yaml');
    assert.equal(load('agent', agentFlags).joinToken, undefined);
    assert.throws(() => load('agent', { ...agentFlags, tokenFile: 'blank' }), refused('--token-file: blank is empty'));
    assert.throws(() => load('agent', { ...agentFlags, tokenFile: 'gone' }), refused('cannot read gone'));
    const scheduler = { listen: 'tcp://127.0.0.1:2375', store: 'consul://127.0.0.1:8500', consulTokenFile: 'token' };
    assert.equal(load('scheduler', scheduler).consulToken, 's3cret');
    assert.equal(load('scheduler', scheduler).joinToken, undefined);
  });

  it('names an endpoint or a context only where something of its own does: docker’s variables are for who asks', () => {
    assert.equal(load('status', {}, { DOCKER_HOST: 'tcp://d:1' }).endpoint, undefined);
    assert.equal(load('status', {}, { DOCKER_HOST: 'tcp://d:1', ARPANET_ENDPOINT: 'http://e:1' }).endpoint, 'http://e:1');
    assert.equal(load('status', { context: 'prod' }).context, 'prod');
    assert.equal(load('hosts', {}).json, false);
  });

  it('reads the settings of who asks a cluster the same way where there is no file of them, without the libraries that files need', () => {
    const cases: readonly (readonly [Record<string, unknown>, Record<string, string>])[] = [
      [{}, {}],
      [{ endpoint: 'tcp://a:1', fix: true }, { ARPANET_JSON: 'yes' }],
      [{ discard: ' arpanet/x ' }, { ARPANET_CONTEXT: 'prod', ARPANET_FIX: '0' }],
    ];
    for (const [flags, env] of cases) assert.deepEqual(clientConfig('audit', { flags, env }), load('audit', flags, env));
    files['client.yml'] = 'json: true\nendpoint: tcp://file:1\n';
    assert.deepEqual(load('status', { config: 'client.yml' }), { json: true, endpoint: 'tcp://file:1' });
    assert.throws(
      () => clientConfig('audit', { flags: { endpoint: ' ' }, env: {} }),
      refused('--endpoint: " " is not a text that is not empty'),
    );
    assert.throws(
      () => clientConfig('audit', { flags: {}, env: { ARPANET_JSON: 'perhaps' } }),
      refused('ARPANET_JSON: "perhaps" is not true or false'),
    );
    assert.throws(() => clientConfig('status', { flags: {}, env: { ARPANET_ENDPOIN: 'x' } }), refused(/did you mean ARPANET_ENDPOINT\?/));
  });

  it('reads the names that clients may use', () => {
    assert.deepEqual(load('up', { allowHost: ['Docker.corp.example', '*.lab.example'] }).allowHost, [
      'docker.corp.example',
      '*.lab.example',
    ]);
    assert.throws(() => load('up', { allowHost: ['http://a.example'] }), refused(/^--allow-host: "http:.*" is not a name such as/));
  });

  it('refuses an unknown key, flag or nearly right variable by naming the nearest known one', () => {
    assert.throws(() => load('up', { config: 'slip.yml' }), refused('unknown key "stratgy" in slip.yml: did you mean "strategy"?'));
    assert.throws(() => load('up', { hostDownAftr: '3s' }), refused('unknown flag --host-down-aftr: did you mean --host-down-after?'));
    assert.throws(
      () => load('up', {}, { ARPANET_STRATEGI: 'x' }),
      refused('unknown variable ARPANET_STRATEGI: did you mean ARPANET_STRATEGY?'),
    );
  });

  it('lets variables of other commands and other programs be', () => {
    load('up', {}, { ARPANET_NAME: 'h1', ARPANET_TOOLS: '/tools', ARPANET_PORT: 'tcp://1.2.3.4:80', ARPANET_SERVICE_HOST: '1.2.3.4' });
  });

  it('refuses a key of another command by naming that command', () => {
    assert.throws(
      () => load('up', { config: 'agents-key.yml' }),
      refused('key "overlay" in agents-key.yml is not a setting of arpanet up, but of agent'),
    );
  });

  it('says of every missing or wrong setting where it came from and what it should be', () => {
    assert.throws(
      () => load('scheduler', { listen: '10.0.0.1:2375', hostDownAfter: '5' }, { ARPANET_POOL: '10.32.0.1/12' }),
      refused(
        /^--listen: "10.0.0.1:2375" is not of the form tcp:\/\/ADDR:PORT; --store is missing.*; ARPANET_POOL: ".*" is not an IPv4 range.*; --host-down-after: "5" is not a time from 1s/,
      ),
    );
  });

  it('refuses files that are missing, broken or no map', () => {
    assert.throws(() => load('up', { config: 'gone.yml' }), refused('cannot read gone.yml'));
    assert.throws(() => load('up', { config: 'broken.yml' }), refused(/^broken.yml is not YAML, at line \d$/));
    assert.throws(() => load('up', { config: 'list.yml' }), refused('list.yml must be lines of KEY: VALUE'));
    assert.equal(load('up', { config: 'empty.yml' }).strategy, 'spread');
  });
});

describe('values', () => {
  const wrong: readonly (readonly [Command, Record<string, unknown>])[] = [
    ['scheduler', { ...schedulerFlags, store: 'consul:8500' }],
    ['scheduler', { ...schedulerFlags, store: 'embedded:' }],
    ['scheduler', { ...schedulerFlags, listen: 'tcp://:2375' }],
    ['scheduler', { ...schedulerFlags, listen: 'tcp://a:99999' }],
    ['scheduler', { ...schedulerFlags, advertise: 'tcp://a:1' }],
    ['scheduler', { ...schedulerFlags, sessionTtl: '5s' }],
    ['scheduler', { ...schedulerFlags, bodyLimit: '4 elephants' }],
    ['scheduler', { ...schedulerFlags, pool: '10.32.0.0/33' }],
    ['scheduler', { ...schedulerFlags, strategy: 'Spread' }],
    ['up', { hosts: '0' }],
    ['up', { hosts: '2.5' }],
    ['agent', { ...agentFlags, join: [] }],
    ['agent', { ...agentFlags, join: ['ftp://a:1'] }],
    ['agent', { ...agentFlags, name: '../h1' }],
    // for DNS Node-A and node-a are one name, and node_a is no host name: a leader would refuse the agent each time it connects
    ['agent', { ...agentFlags, name: 'Node-A' }],
    ['agent', { ...agentFlags, name: 'node.a' }],
    ['agent', { ...agentFlags, name: 'node_a' }],
    ['agent', { ...agentFlags, address: '10.0.0.300' }],
    ['agent', { ...agentFlags, engine: 'unix://docker.sock' }],
    ['agent', { ...agentFlags, label: ['novalue'] }],
    ['agent', { ...agentFlags, overlay: 'weave' }],
  ];
  for (const [command, flags] of wrong) {
    it(`refuses ${JSON.stringify(flags)} for ${command}`, () => {
      assert.throws(() => load(command, flags), refused(/^--[a-z-]+: /));
    });
  }

  it('takes them in the forms that people write', () => {
    assert.deepEqual(load('scheduler', { ...schedulerFlags, listen: 'tcp://[::1]:2375' }).listen, { host: '::1', port: 2375 });
    assert.deepEqual(load('scheduler', { ...schedulerFlags, store: 'embedded:///data' }).store, { kind: 'embedded', dir: '/data' });
    assert.equal(load('scheduler', { ...schedulerFlags, hostDownAfter: '2m' }).hostDownAfter, 120_000);
    assert.equal(load('scheduler', { ...schedulerFlags, leaseRest: '500ms' }).leaseRest, 500);
    assert.equal(load('scheduler', { ...schedulerFlags, bodyLimit: '512k' }).bodyLimit, 512 * 1024);
    assert.equal(load('scheduler', { ...schedulerFlags, dnsListen: 'none' }).dnsListen, 'none');
    assert.deepEqual(load('agent', { ...agentFlags, engine: 'tcp://127.0.0.1:2376' }).engine, { host: '127.0.0.1', port: 2376 });
    assert.deepEqual(load('agent', { ...agentFlags, listen: '10.0.0.5:2376' }).listen, { host: '10.0.0.5', port: 2376 });
    assert.deepEqual(load('agent', { ...agentFlags, dnsUpstream: ['1.1.1.1', 'ns.example:5353'] }).dnsUpstream, [
      { host: '1.1.1.1', port: 53 },
      { host: 'ns.example', port: 5353 },
    ]);
  });
});

describe('settings changed while the cluster runs', () => {
  const own = {
    strategy: 'spread',
    pool: '10.32.0.0/12',
    hostDownAfter: 10_000,
    leaseRest: 1_500,
    overcommitCpu: 1,
    overcommitMemory: 1.5,
    drainTime: 0,
    encryptNetworks: 'asked',
    publishMode: 'host',
    bodyLimit: 4 * 2 ** 20,
    logLevel: 'info',
    reschedule: 'restart',
  } as const;

  it('are those that the table of options says, each with a value as a flag would have', () => {
    assert.deepEqual(
      OPTIONS.filter((option) => option.live === true)
        .map((option) => option.name)
        .toSorted(),
      LIVE.toSorted(),
    );
    assert.deepEqual(liveValue('host-down-after', '20s'), { name: 'host-down-after', value: 20_000 });
    assert.deepEqual(
      LIVE.map((name) => liveText(name, own)),
      ['spread', '10.32.0.0/12', '10s', '1500ms', '1', '1.5', 'asked', 'host', '0s', '4MiB', 'info', 'restart'],
    );
  });

  it('go over what a process was started with; what it cannot read does not', () => {
    const now = withLive(own, { strategy: 'binpack', 'lease-rest': '5s', pool: 'nonsense', later: 'x' });
    assert.deepEqual(now, { ...own, strategy: 'binpack', leaseRest: 5_000 });
  });

  it('refuse a wrong name with the nearest, one that needs a start with where to give it, a wrong value with what is allowed', () => {
    assert.throws(() => liveValue('stratgy', 'spread'), /unknown setting "stratgy": did you mean strategy\?/);
    assert.throws(
      () => liveValue('listen', 'x'),
      /listen cannot be changed at run time: restart arpanet up, scheduler, agent with --listen/,
    );
    assert.throws(() => liveValue('strategy', 'best'), /strategy: "best" is not one of spread, binpack, random/);
    assert.throws(() => liveValue('pool', '10.0.0.0/30'), /pool: "10\.0\.0\.0\/30" is not an IPv4 range/);
  });
});

describe('the table of options', () => {
  const camel = (name: string) => name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

  it('has for each command exactly the settings of its schema', () => {
    for (const command of COMMANDS) {
      const inTable = optionsOf(command).map((option) => camel(option.name));
      if (isClientCommand(command)) {
        const read = ['config', ...Object.keys(CLIENT_SETTINGS)];
        assert.deepEqual(
          inTable.filter((name) => !read.includes(name)),
          [],
          command,
        );
        continue;
      }
      const inSchema = [...Object.keys(schemas[command].shape), 'config', 'tokenFile'];
      if (command === 'scheduler') inSchema.push('consulTokenFile');
      assert.deepEqual(inTable.toSorted(), inSchema.toSorted(), command);
    }
  });

  it('names each option once and says of each what it is for', () => {
    assert.equal(new Set(OPTIONS.map((option) => option.name)).size, OPTIONS.length);
    for (const option of OPTIONS) assert(option.help.length > 10 && /^[a-z-]+$/.test(option.name), option.name);
  });
});
