/** The laws of the house (docs/architecture.md), executed. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, it } from 'node:test';
import { repository } from '../support/cluster/paths.ts';

const src = join(repository, 'src');
const files = readdirSync(src, { recursive: true })
  .map(String)
  .filter((leaf) => leaf.endsWith('.ts'))
  .map((leaf) => {
    const text = readFileSync(join(src, leaf), 'utf8');
    const imports = [...text.matchAll(/^(?:import|export)\s[^;]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm)].map(
      (match) => match[1] ?? match[2] ?? match[3] ?? '',
    );
    const local = imports.filter((name) => name.startsWith('.')).map((name) => relative(src, normalize(join(src, dirname(leaf), name))));
    return {
      path: leaf,
      room: leaf.split('/')[0] ?? '',
      lines: text.split('\n').length,
      local,
      packages: imports.filter((name) => !name.startsWith('.')),
      text,
    };
  });

const floors: Readonly<Record<string, number>> = {
  model: 0,
  // the shape of a logger, and no more: everybody may be handed one
  telemetry: 0,
  // one parser for each small language; plain data in and out
  text: 0,
  // queues, limits and single flights
  async: 0,
  // files that survive a power cut
  files: 0,
  // JSON of Docker's API as Go reads it: a decoder and tables
  'docker-json': 0,
  // checks what comes from outside; the rooms that read Engines, streams, files and stores use it
  schemas: 0.5,
  // the client of /arpanet/v1 that others import, too: it imports nothing
  client: 0.5,
  // who may do what: decisions, and the tools that keep secrets
  security: 0.5,
  store: 1,
  engine: 1,
  config: 1,
  // what clients call the cluster's networks: rules that the endpoint, the scheduler and dhcp share
  networks: 1,
  // what rooms ask of each other: types only
  contracts: 1,
  'docker-api': 2,
  scheduler: 2,
  dhcp: 2,
  dns: 2,
  registrar: 2,
  hostagent: 2,
  services: 2,
  'operator-api': 2,
  compose: 2,
  recovery: 2,
  publish: 2,
  'local-hosts': 2,
  // compose files carried out: it needs what compose and the operator's API say
  deployments: 2.5,
  boot: 2,
  processes: 3,
  cli: 4,
};

/** What contracts may name of another room of their floor: types of the ledger, and nothing that runs. */
const CONTRACTS_MAY_NAME: ReadonlySet<string> = new Set(['store/ledger/contract.ts']);

/** Packages without effects; of node:crypto the hashes: what it draws by chance is barred below. */
const PURE_PACKAGES: ReadonlySet<string> = new Set(['ip-num', 'lru-cache', 'node:crypto']);

/** Decision code: plain data in and out. */
const isPure = (path: string): boolean =>
  [
    /^(model|text|networks|docker-json)\//,
    /^engine\/(event-dedup|shown-events|status|human-duration)/,
    /^dhcp\/(?!allocator|index)/,
    /^registrar\/(?!registrar|catalog-round|index)/,
    /^scheduler\/(create\/(identify|rewrite|random-names|templates)|view\/resolve-container|placement\/|hosts\/host-limits|loss\/(host-states|mass-loss|lost-records))/,
    /^docker-api\/(routes?\.|images\/idle-program|[a-z]+\/(routes|list|select|show))/,
    /^docker-api\/reads\/(?!index|ask-hosts)/,
    /^docker-api\/system\/(disk-usage|info|version)/,
    /^docker-api\/swarm\/(facade|show|spec|templates|types|validate)/,
    /^hostagent\/(overlay\/plan|inventory\/inventory-plan|load\/usage-figures)/,
    /^dns\/(answer|zone|encode)/,
    /^operator-api\/(reports\/|audit|doctor|instance-reference)/,
    /^cli\/(completion\/scripts|output\/(?!progress|work|log-lines))/,
    // yaml's parser and ajv are all that source.ts and schema.ts need of the world
    /^compose\/(?!source|schema|validators|index)/,
    /^services\/(counted-service|service-record|replicas\/(template|replica-plan)|reschedule\/(lost-hosts|reschedule-plan)|service-reference|rollout\/rollout-plan|hosts\/(drain|rebalance|clean)-plan)/,
    /^recovery\/recover-plan/,
    /^publish\/plan/,
    /^boot\/(machine|leases|dnsmasq|ipxe|loops|servers|net\/dhcp-packet|image\/(plan|files|cpio))\./,
  ].some((pattern) => pattern.test(path));

/** Groups of files that import each other, directly or by others (Tarjan's strongly connected components). */
function circles(): readonly string[] {
  const imports = new Map(files.map((file) => [file.path, file.local]));
  const index = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const found: string[] = [];
  const visit = (path: string): number => {
    const own = index.size;
    index.set(path, own);
    stack.push(path);
    let low = own;
    for (const next of imports.get(path) ?? []) {
      if (!imports.has(next)) continue;
      if (!index.has(next)) low = Math.min(low, visit(next));
      else if (stack.includes(next)) low = Math.min(low, index.get(next) ?? own);
    }
    lowest.set(path, low);
    if (low === own) {
      const group = stack.splice(stack.indexOf(path));
      if (group.length > 1) found.push(group.toSorted().join(' <-> '));
    }
    return low;
  };
  for (const path of imports.keys()) if (!index.has(path)) visit(path);
  return found;
}

describe('the house', () => {
  it('has a floor for every room', () => {
    assert.deepEqual(
      [...new Set(files.map((file) => file.room))].filter((room) => floors[room] === undefined),
      [],
    );
  });

  it('is described in docs/architecture.md: each room with its floor and the question that it answers', () => {
    const table = readFileSync(join(repository, 'docs', 'architecture.md'), 'utf8').matchAll(/^\| (\d(?:\.5)?) \| `([^`]+)` \| \S/gm);
    const described = [...table].map(([, floor = '', room = '']) => [room, Number(floor)] as const);
    assert.deepEqual(Object.fromEntries(described), floors);
    const order = described.map(([, floor]) => floor);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => b - a),
      'the table begins with the top floor',
    );
  });

  it('imports only downwards: a room that reached sideways could not be changed or tested alone', () => {
    const wrong = files.flatMap((file) =>
      file.local
        .filter((target) => {
          const room = target.split('/')[0] ?? '';
          if (file.room === 'contracts' && CONTRACTS_MAY_NAME.has(target)) return false;
          return room !== file.room && (floors[room] ?? 9) >= (floors[file.room] ?? -1);
        })
        .map((target) => `${file.path} -> ${target}`),
    );
    assert.deepEqual(wrong, []);
  });

  it('reads each small language in one place: a second parser would take other texts than the first', () => {
    const only: readonly (readonly [pattern: RegExp, places: RegExp, language: string])[] = [
      [/com\.docker\.compose\.|com\.docker\.stack\./, /^model\/labels\.ts$/, "compose's labels: import composeLabels"],
      [/'com\.docker\.compose'/, /^model\/labels\.ts$/, "compose's labels: import composeLabels"],
      [/\[b?kmgt?p?\]|\bKiB'/, /^text\/size\.ts$/, 'sizes: parseSize, formatBytes'],
      [/\(ms\|s\||\|ms\|s\||\(s\|m\|h/, /^text\/duration\.ts$/, 'durations: parseDuration'],
      [
        /:latest`|docker\\?\.io/,
        /^(text\/image-reference|docker-api\/images\/image-target|scheduler\/placement\/filters\/affinity|boot\/image\/plan)\.ts$|^local-hosts\//,
        'image references: withDefaultTag, familiarReference',
      ],
      [/\(\?:tcp\||\\\[\|\\\]\$|lastIndexOf\(':'\)/, /^text\/host-port\.ts$/, 'HOST:PORT: parseHostPort'],
      [/split\('\.'\)\.reduce|\* 256 \+/, /^text\/ipv4\.ts$/, 'IPv4 as a number: parseAddress, addressNumber'],
      [/a-z0-9-\]\{0,61\}|a-zA-Z0-9_\.-\]\+\$/, /^text\/names\.ts$/, 'names of hosts and containers: isHostName, isContainerName'],
      [
        /\bfsync(?:Sync)?\(|\.sync\(\)|\.new`/,
        /^(files\/durable-file|local-hosts\/images)\.ts$/,
        'files that survive a power cut: writeDurably',
      ],
      [
        /Map<string, Promise</,
        /^(async\/keyed|dns\/server|scheduler\/create\/creates-in-progress)\.ts$/,
        'work that is under way: createKeyed',
      ],
      [
        /\b(?:id|Id|ID)\)?\.startsWith\(/,
        /^(text\/references|text\/image-reference|docker-api\/containers\/select)\.ts$/,
        'ids and their prefixes: meantBy, isIdPrefix',
      ],
      [/replace\(\/\^\\\/\/, ''\)/, /^text\/names\.ts$/, "a name's slash: withoutSlash"],
    ];
    const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '');
    const wrong = files.flatMap((file) =>
      only.flatMap(([pattern, places, language]) =>
        !places.test(file.path) && pattern.test(code(file.text)) ? [`${file.path}: ${language} (${String(pattern)})`] : [],
      ),
    );
    assert.deepEqual(wrong, []);
  });

  it('keeps decisions free of effects, clocks and chance: times, ids and random numbers are arguments', () => {
    const banned = /\bDate\.now\(|\bMath\.random\(|\brandom(?:UUID|Bytes|Int)\b|\bsetTimeout\(|\bsetInterval\(|\bprocess\.|\bnew Date\(\)/;
    const wrong = files
      .filter((file) => isPure(file.path))
      .flatMap((file) => [
        ...file.packages.filter((name) => !PURE_PACKAGES.has(name)).map((name) => `${file.path} imports ${name}`),
        ...(banned.test(file.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')) ? [`${file.path} reads a clock, chance or the process`] : []),
      ]);
    assert.deepEqual(wrong, []);
  });

  it('keeps statuses at the endpoint: only docker-api and operator-api say which HTTP status an error has', () => {
    const wrong = files.filter(
      (file) =>
        /statusCode\s*=\s*\d|\.status\(\d/.test(file.text) && !['docker-api', 'operator-api', 'hostagent', 'engine'].includes(file.room),
    );
    assert.deepEqual(
      wrong.map((file) => file.path),
      [],
    );
  });

  it('takes a package that it loads late by its default: in the build one in CommonJS has no other name (lmdb is not in the build)', () => {
    const late = /(.*)await import\('((?![.]|node:|lmdb')[^']+)'\)/g;
    const wrong = files.flatMap((file) =>
      [...file.text.matchAll(late)]
        .filter(([, before = '']) => !before.includes('{ default: '))
        .map(([, , name]) => `${file.path}: ${name}`),
    );
    assert.deepEqual(wrong, []);
  });

  it('reads the environment in one place: processes and config, and programs that are started with it', () => {
    const wrong = files.filter(
      (file) => /process\.env/.test(file.text) && !['cli', 'processes', 'config', 'local-hosts'].includes(file.room),
    );
    assert.deepEqual(
      wrong.map((file) => file.path),
      [],
    );
  });

  it('has no code for tests, and no environment variable that changes what it promises: the documented ones, and who else is asked for', () => {
    const COMPOSE = ['COMPOSE_FILE', 'COMPOSE_PATH_SEPARATOR', 'COMPOSE_PROFILES', 'COMPOSE_PROJECT_NAME'];
    // What systemd gives its services: sd_notify(3), sd_watchdog_enabled(3), systemd.exec(5).
    const SYSTEMD = ['JOURNAL_STREAM', 'NOTIFY_SOCKET', 'WATCHDOG_PID', 'WATCHDOG_USEC'];
    const known = [
      'ARPANET_CONTEXT',
      'ARPANET_ENDPOINT',
      'ARPANET_JOIN_TOKEN',
      ...COMPOSE,
      ...SYSTEMD,
      'DOCKER_CERT_PATH',
      'DOCKER_CONFIG',
      'DOCKER_CONTEXT',
      'DOCKER_HOST',
      'DOCKER_TLS',
      'DOCKER_TLS_VERIFY',
      'HOME',
      'PATH',
      'XDG_CACHE_HOME',
    ];
    const read = files.flatMap(({ path, text }) =>
      [...text.matchAll(/\benv(?:\.|\[')([A-Z][A-Z_]+)/g)].map(([, name = '']) => ({ path, name })),
    );
    assert.deepEqual(
      read.filter(({ name }) => !known.includes(name)),
      [],
    );
    assert.deepEqual(
      files.filter(({ text }) => /ARPANET_(TEST|TRIP)|from '[^']*\/test\//.test(text)).map(({ path }) => path),
      [],
    );
  });

  it('keeps files readable: at most 400 lines', () => {
    assert.deepEqual(
      files.filter((file) => file.lines > 400).map((file) => `${file.path}: ${file.lines}`),
      [],
    );
  });

  it('declares what rooms ask of each other as types only, by role, with at most 12 members each', () => {
    const contracts = files.filter((file) => file.room === 'contracts');
    const code = contracts.filter((file) => /^(?:import|export) (?!type|interface)|^(?:const|let|function|class) /m.test(file.text));
    assert.deepEqual(
      code.map((file) => file.path),
      [],
    );
    const large = contracts.flatMap((file) =>
      [...file.text.matchAll(/^export interface (\w+)[^{]*\{([\s\S]*?)^\}/gm)].flatMap(([, name, body = '']) => {
        const members = body.match(/^ {2}(?:readonly )?\w+\??[:(]/gm) ?? [];
        // plain data may have as many members as it has facts; an object of roles has roles only
        const roles = body.match(/^ {2}readonly \w+: [A-Z]\w+;$/gm) ?? [];
        const isData = !body.includes('=>') && roles.length < members.length;
        return members.length > 12 && !isData ? [`${file.path}: ${name} has ${members.length}`] : [];
      }),
    );
    assert.deepEqual(large, []);
  });

  it('makes no object of roles by spreading another, and gives no late closure a name: rooms get each other in processes/leadership.ts', () => {
    const rooms = ['processes', 'scheduler', 'services', 'docker-api', 'dhcp', 'contracts'];
    const wired = files.filter((file) => rooms.includes(file.room));
    const spread =
      /\{[^{}[\]()]*\.\.\.(?:(?:own|with)?(?:[sS]cheduler|[cC]luster|[dD]eployments|[dD]hcp|[cC]ore|[hH]ub|[eE]ngines)\b(?!\.)|(?:create|start)[A-Z]\w*\()/;
    const wrong = wired.filter((file) => spread.test(file.text));
    assert.deepEqual(
      wrong.map((file) => file.path),
      [],
    );
    const late = wired.filter((file) => /^ *let \w+: \(.*\) => .*=> /m.test(file.text));
    assert.deepEqual(
      late.map((file) => file.path),
      [],
    );
  });

  it('has no circle of imports inside a room, types included', () => {
    assert.deepEqual(circles(), []);
  });

  it('keeps folders small: at most 25 files side by side', () => {
    const counts = new Map<string, number>();
    for (const { path } of files) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
    assert.deepEqual(
      [...counts].filter(([, count]) => count > 25),
      [],
    );
  });

  it('opens every room with its job', () => {
    const rooms = files.filter((file) => /^[^/]+\/index\.ts$/.test(file.path));
    assert.deepEqual(
      rooms.filter((file) => !file.text.startsWith('/**')).map((file) => file.path),
      [],
    );
    assert.deepEqual(
      Object.keys(floors).filter(
        (room) => !['cli', 'processes', 'telemetry', 'text', 'async', 'files'].includes(room) && !rooms.some((file) => file.room === room),
      ),
      [],
    );
  });

  it('starts each command with little: none loads schemas, YAML or a server for what it does not do, and no import runs by itself', () => {
    const known = new Map(files.map((file) => [file.path, file]));
    const VALUES = /^(?:import|export)\s(?!type\b)(?!\{(?:\s*type \w+(?: as \w+)?,?)+\s*\} from)[^;]*?from '([^']+)'/gm;
    /** What is loaded with a file before any of it runs. */
    const loaded = (path: string, found = new Map<string, readonly string[]>()): ReadonlyMap<string, readonly string[]> => {
      if (found.has(path)) return found;
      const names = [...(known.get(path)?.text ?? '').matchAll(VALUES)].map((match) => match[1] ?? '');
      found.set(
        path,
        names.filter((name) => !name.startsWith('.') && !name.startsWith('node:')),
      );
      for (const name of names) if (name.startsWith('.')) loaded(normalize(join(dirname(path), name)), found);
      return found;
    };
    const packagesOf = (path: string) => [...new Set([...loaded(path).values()].flat())].toSorted();
    assert.deepEqual(packagesOf('cli/run.ts'), ['commander', 'damerau-levenshtein']);
    assert.deepEqual([...loaded('cli/main.ts').keys()], ['cli/main.ts']);
    // what these are for needs more: processes, the store, compose files, policies, the settings of schedulers
    const more =
      /^cli\/commands\/(?:processes|store|deploy|policy)\/|^cli\/commands\/(?:config\/(?:get|set|sample)|user\/add|boot\/serve)\.ts/;
    const commands = files.filter(({ path }) => path.startsWith('cli/commands/') && !more.test(path));
    assert(commands.length > 40);
    const light = new Set(['commander', 'damerau-levenshtein', 'ip-num']);
    const heavy = commands.flatMap(({ path }) => packagesOf(path).flatMap((name) => (light.has(name) ? [] : [`${path}: ${name}`])));
    assert.deepEqual(heavy, []);
    const deploy = packagesOf('cli/commands/deploy/deploy.ts');
    assert(deploy.includes('yaml') && !deploy.includes('zod') && !deploy.includes('@grpc/grpc-js'), deploy.join(' '));
    assert.deepEqual(
      packagesOf('processes/scheduler.ts').filter((name) => name.startsWith('@opentelemetry')),
      [],
      'loaded where traces are sent, and nowhere else',
    );
    // package.json says so to the build, which leaves out what no command uses
    assert.deepEqual(
      files.filter(({ text }) => /^import '/m.test(text)).map(({ path }) => path),
      [],
    );
  });

  it('knows no machine but its own kind: no registry host names, no download addresses in the lock file', () => {
    assert.equal(readFileSync(join(repository, 'package-lock.json'), 'utf8').includes('"resolved": "http'), false);
  });
});
