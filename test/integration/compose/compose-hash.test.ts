/** The config hash that a deploy writes on a container is the one that the real `docker compose` would have written: each leaves the other's alone. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseSource, planStack, readStack, resourcesOf, type Surroundings } from '../../../src/compose/index.ts';
import { must, runProgram } from '../../support/cluster/cluster.ts';
import { tools } from '../../support/cluster/paths.ts';

const FILES: Readonly<Record<string, string>> = {
  'secrets, configs and placement': `
services:
  web:
    image: busybox
    secrets: [key]
    configs: [conf]
    deploy: {mode: global, placement: {max_replicas_per_node: 2}}
  two:
    image: busybox
    secrets: [{source: key, target: other, mode: 0400, uid: "5"}]
    configs: [{source: conf, target: /etc/conf}]
secrets: {key: {file: ./key.txt}}
configs: {conf: {content: "a=1"}}
`,
  'nothing but an image': 'services:\n  web: {image: busybox}\n',
  'what most files have': `
services:
  web:
    image: "busybox:\${TAG:-1}"
    build: .
    command: sh -c 'echo "<&>" hi'
    environment: {A: "1", B: , HOME: , N: 5, T: true}
    ports: ["80", "8080:80/udp", "127.0.0.1:90:90", "3000-3001:3000-3001"]
    volumes: ["data:/data", "./conf:/conf:ro", /anon, "/abs:/abs"]
    networks: [default, back]
    depends_on: [db]
    healthcheck: {test: wget -qO- localhost, interval: 1m30s, retries: 3}
    deploy: {replicas: 2, resources: {limits: {cpus: "0.5", memory: 64m}, reservations: {memory: 32m}}}
    stop_grace_period: 90s
    restart: always
    labels: [x=y, "traefik.rule=Host(\`a\`)"]
  db:
    image: redis
    volumes: ["db:/data:nocopy"]
    networks: {back: {aliases: [store, cache], ipv4_address: 10.1.0.7}}
    deploy: {placement: {constraints: [node.labels.a == b]}, restart_policy: {condition: on-failure, delay: 5s, max_attempts: 3, window: 120s}}
networks: {back: }
volumes: {data: , db: }
`,
  'all else': `
services:
  other: {image: a, network_mode: none}
  sharing: {image: a, network_mode: "service:other"}
  web:
    image: busybox
    annotations: {a: "1"}
    attach: false
    blkio_config: {weight: 300, device_read_bps: [{path: /dev/sda, rate: 1k}]}
    cap_add: [NET_ADMIN]
    cap_drop: [ALL]
    cgroup: host
    cgroup_parent: /x
    container_name: mine
    cpu_count: 2
    cpu_percent: 10
    cpu_period: 10000
    cpu_quota: 5000
    cpu_rt_period: 400
    cpu_rt_runtime: 100
    cpu_shares: 7
    cpus: 0.5
    cpuset: "0"
    depends_on: {other: {condition: service_healthy, restart: true}}
    device_cgroup_rules: ['c 1:3 mr']
    devices: ["/dev/null:/dev/void"]
    dns: 192.0.2.1
    dns_opt: ['ndots:2']
    dns_search: example.com
    domainname: example.com
    entrypoint: [sh]
    expose: [80, "81"]
    extra_hosts: ['b:192.0.2.2', 'a:192.0.2.1']
    group_add: ["9", x]
    healthcheck: {test: ["CMD", "true"], interval: 1s, timeout: 500ms, start_period: 2s, start_interval: 1s}
    hostname: h
    init: true
    ipc: host
    isolation: process
    labels: {a: b, n: 1}
    links: [other]
    logging: {driver: syslog, options: {tag: x}}
    mac_address: 02:00:00:00:00:01
    mem_limit: 64m
    mem_reservation: 32m
    mem_swappiness: 3
    memswap_limit: 128m
    oom_kill_disable: true
    oom_score_adj: 5
    pid: host
    pids_limit: 3
    platform: linux/arm64
    ports: [{target: 7, published: "7", mode: host}]
    privileged: true
    profiles: [p]
    pull_policy: always
    read_only: true
    runtime: runsc
    security_opt: [no-new-privileges]
    shm_size: 1m
    stdin_open: true
    stop_signal: SIGINT
    storage_opt: {size: 1G}
    sysctls: {net.core.somaxconn: 1}
    tmpfs: /tmp
    tty: true
    ulimits: {nofile: {soft: 1, hard: 2}, nproc: 5}
    user: me
    userns_mode: host
    uts: host
    volumes: ["./x:/x:ro,z", {type: tmpfs, target: /t, tmpfs: {size: 1m}}, {type: volume, source: data, target: /d2, read_only: true}]
    volumes_from: [sharing]
    working_dir: /w
  bare: {image: a, deploy: {mode: replicated, labels: {a: b}, update_config: {parallelism: 2, delay: 10s, order: start-first}, endpoint_mode: dnsrr}}
volumes: {data: }
`,
};

describe('the config hash', () => {
  let folder: string;
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/root' };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'arpanet-hash-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function ours(file: string): Readonly<Record<string, string>> {
    const none = () => assert.fail('no other file');
    const stack = readStack([parseSource(file, readFileSync(file, 'utf8'))], { variables: env, open: none, include: none });
    const { networks, volumes } = resourcesOf(stack, 'abc');
    const around: Surroundings = {
      project: 'abc',
      folder,
      files: [file],
      network: (name) => networks.get(name)?.name ?? name,
      volume: (name) => volumes.get(name)?.name ?? name,
      envFiles: () => ({}),
      variables: env,
      hash: (text) => createHash('sha256').update(text).digest('hex'),
      isFig: false,
      imageId: () => undefined,
      storedId: (kind, key) => `${kind}-${key}`,
      hostCount: 3,
    };
    const { waves } = planStack(stack, around, [], { profiles: ['*'], only: [] });
    return Object.fromEntries(
      waves.map(({ service, steps }) => [service, steps[0]?.request?.Labels?.['com.docker.compose.config-hash'] ?? '']),
    );
  }

  for (const [what, text] of Object.entries(FILES))
    it(`is compose’s own for ${what}`, async () => {
      const file = join(folder, 'compose.yml');
      writeFileSync(file, text);
      const args = ['-p', 'abc', '-f', file, '--profile', '*', 'config', '--hash', '*'];
      const theirs = await must(runProgram(tools.composeV2(), args, { cwd: folder, env }));
      assert.deepEqual(
        ours(file),
        Object.fromEntries(
          theirs
            .trim()
            .split('\n')
            .map((line) => line.split(' ')),
        ),
      );
    });
});
