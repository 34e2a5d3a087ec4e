import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import { keys } from '../../../src/model/index.ts';
import { readPolicies, shownPolicy } from '../../../src/operator-api/policy/policy-file.ts';
import { createPolicies } from '../../../src/processes/people/policies.ts';
import { DEPLOYER_POLICY, policyFor } from '../../../src/security/index.ts';

function world(unreadable: readonly string[] = []) {
  const records = new Map<string, unknown>();
  const ledger = {
    get: <T>(key: string) => records.get(key) as T | undefined,
    async commit(changes: readonly { readonly kind: string; readonly key: string; readonly value?: unknown }[]) {
      for (const { kind, key, value } of changes)
        if (kind === 'put') records.set(key, value);
        else records.delete(key);
    },
    unreadable: () => unreadable.map((key) => ({ key, why: 'is a text', name: undefined })),
  };
  return { records, policies: createPolicies({ ledger, now: () => 7, isHere: () => false }) };
}

const FILE = `
deployer:
  privileged: false
  host_namespaces: [network]
  cap_add: [cap_net_admin, CHOWN]
  devices: /dev/fuse
  security_opt: none
  sysctls: [net.core.somaxconn]
  log_drivers: [local, gelf]
  binds: [/srv/abc]
  registries: [docker.io, "corp:5000"]
  memory: 2g
  cpus: 1.5
  labels: [arpanet.re*]
operator: {memory: 8g, privileged: true}
`;

describe('the policies of roles', () => {
  it('are read from YAML or JSON, and shown as a file that can be set again', () => {
    const given = readPolicies(FILE);
    assert.deepEqual(given.deployer, {
      privileged: false,
      hostNamespaces: ['network'],
      capAdd: ['NET_ADMIN', 'CHOWN'],
      devices: ['/dev/fuse'],
      securityOpt: [],
      sysctls: ['net.core.somaxconn'],
      logDrivers: ['local', 'gelf'],
      binds: ['/srv/abc'],
      registries: ['docker.io', 'corp:5000'],
      memoryBytes: 2 * 1024 ** 3,
      cpus: 1.5,
      labels: ['arpanet.re*'],
    });
    assert.deepEqual(readPolicies(JSON.stringify(parse(FILE))), given);
    for (const policy of [policyFor('deployer', given.deployer), policyFor('operator', given.operator), DEPLOYER_POLICY]) {
      assert.ok(policy);
      const role = policy.isClosed ? 'deployer' : 'operator';
      assert.deepEqual(policyFor(role, readPolicies(stringify({ [role]: shownPolicy(policy) }))[role]), policy);
    }
    assert.deepEqual(readPolicies('{}'), {});
    assert.deepEqual(readPolicies('deployer:'), { deployer: {} });
  });

  it('what there is not is refused with the nearest name, what is wrong with what it may be', () => {
    const bad: readonly (readonly [string, RegExp])[] = [
      ['deplyer: {}', /^there is no role "deplyer": did you mean deployer\?$/],
      ['admin: {}', /^the role admin has no policy: deployer, operator may have one$/],
      ['deployer: {cap_ad: []}', /^deployer: there is no rule "cap_ad": did you mean cap_add\?$/],
      ['deployer: {bindPrefixes: []}', /^deployer: there is no rule "bindPrefixes": there are privileged/],
      ['deployer: {constructor: []}', /^deployer: there is no rule "constructor"/],
      ['deployer: {privileged: "yes"}', /^deployer\.privileged is "yes": it is true or false$/],
      ['deployer: {memory: lots}', /^deployer\.memory is "lots": it is a size, as 512m or 2g$/],
      ['deployer: {cpus: -1}', /^deployer\.cpus is -1: /],
      ['deployer: {binds: [srv]}', /^deployer\.binds has "srv": it is a whole path/],
      ['deployer: {binds: [/srv/../etc]}', /^deployer\.binds has /],
      ['deployer: {binds: [1]}', /^deployer\.binds is \[1\]: it is a list of texts, any or none$/],
      ['deployer: {host_namespaces: [net]}', /^deployer\.host_namespaces has "net": there are network, pid/],
      ['deployer: {registries: ["https://corp"]}', /^deployer\.registries has "https:/],
      ['deployer: {labels: [mine]}', /^deployer\.labels has "mine"/],
      ['deployer: {binds: [/a], binds: [/b]}', /^the policy is no YAML: Map keys must be unique/],
      ['deployer: [', /^the policy is no YAML/],
      ['[]', /^a policy is a mapping of roles/],
      ['deployer: []', /^deployer: its rules are a mapping/],
    ];
    for (const [text, message] of bad) assert.throws(() => readPolicies(text), { kind: 'invalid', message }, text);
  });

  it('are kept in the store: what is set takes the place of all before, and what is left out is built in', async () => {
    const { records, policies } = world();
    assert.deepEqual(policies.policy('deployer'), DEPLOYER_POLICY);
    assert.deepEqual(Object.keys(policies.shown()), ['deployer']);
    await policies.set(readPolicies('deployer: {binds: [/srv]}\noperator: {memory: 1g}'));
    assert.deepEqual(records.get(keys.policy('deployer')), { role: 'deployer', rules: { binds: ['/srv'] }, changedAtMs: 7 });
    assert.deepEqual(policies.policy('deployer'), { ...DEPLOYER_POLICY, binds: ['/srv'] });
    assert.equal(policies.policy('operator')?.memoryBytes, 1024 ** 3);
    assert.equal(policies.policy('admin'), undefined);
    assert.deepEqual(policies.shown()['deployer']?.['binds'], ['/srv']);
    await policies.set({});
    assert.deepEqual([records.size, policies.policy('deployer'), policies.policy('operator')], [0, DEPLOYER_POLICY, undefined]);
  });

  it('a record that cannot be read lets its role make nothing, and costs the other role nothing', () => {
    const { policies } = world([keys.policy('operator')]);
    assert.throws(() => policies.policy('operator'), {
      kind: 'unavailable',
      message: /the policy for operators in the store cannot be read/,
    });
    assert.deepEqual(policies.policy('deployer'), DEPLOYER_POLICY);
  });

  it('a test says all that would be refused, of creates, volumes and networks, by what is set or by another file', async () => {
    const { policies } = world();
    const asked = {
      role: 'deployer' as const,
      given: undefined,
      creates: [
        { name: 'abc_web_1', request: { Image: 'web', HostConfig: { Privileged: true, Binds: ['/srv/x:/x'] } } },
        { name: 'abc_db_1', request: { Image: 'db' } },
      ],
      volumes: [{ Name: 'data', DriverOpts: { device: '/' } }],
      networks: [{ Name: 'net', Driver: 'macvlan' }],
    };
    const found = policies.test(asked);
    assert.deepEqual(
      found.map(({ name, problems }) => [name, problems.length]),
      [
        ['abc_web_1', 2],
        ['volume data', 1],
        ['network net', 1],
      ],
    );
    const given = readPolicies('deployer: {binds: [/srv], privileged: true}');
    assert.deepEqual(
      policies.test({ ...asked, given }).map(({ name }) => name),
      ['volume data', 'network net'],
    );
    assert.deepEqual(policies.test({ ...asked, role: 'operator' }), []);
  });
});
