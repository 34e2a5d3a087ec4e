import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { essence, instanceName, instanceRequest, isSameTemplate, scaleRefusal } from '../../../src/services/replicas/template.ts';
import { isCounted } from '../../../src/services/counted-service.ts';
import type { CreateRequest, ServiceTemplate } from '../../../src/model/index.ts';

const volume = 'a'.repeat(64);
const compose = (number: number, name: string, more: Partial<CreateRequest> = {}): ServiceTemplate => ({
  name,
  number,
  request: {
    Image: 'busybox',
    Env: null,
    Labels: {
      'com.docker.compose.project': 'abc',
      'com.docker.compose.service': 'web',
      'com.docker.compose.container-number': String(number),
      'com.docker.compose.oneoff': 'False',
    },
    HostConfig: { Binds: [] },
    NetworkingConfig: { EndpointsConfig: { abc_default: { Aliases: [name, 'web'], MacAddress: '' } } },
    ...more,
  },
});

describe('a template', () => {
  it('names and numbers instances as compose v1 and v2 would', () => {
    assert.equal(instanceName(compose(1, 'abc_web_1'), 5), 'abc_web_5');
    assert.equal(instanceName(compose(2, 'abc-web-2'), 12), 'abc-web-12');
    assert.equal(instanceName(compose(2, '0123456789ab_abc-web-2'), 3), 'abc-web-3');
    const { Labels, NetworkingConfig } = instanceRequest(compose(1, 'abc-web-1'), 4);
    assert.equal(Labels?.['com.docker.compose.container-number'], '4');
    assert.deepEqual(NetworkingConfig?.EndpointsConfig?.['abc_default']?.Aliases, ['abc-web-4', 'web']);
  });

  it('has the networks that its instance joined later, under the new one’s name; one that has not joined them yet is no other', () => {
    const whole = { ...compose(2, 'abc-web-2'), connected: { n2: { Aliases: ['abc-web-2', 'store'] } } };
    const { NetworkingConfig } = instanceRequest(whole, 3);
    assert.deepEqual(Object.keys(NetworkingConfig?.EndpointsConfig ?? {}), ['abc_default', 'n2']);
    assert.deepEqual(NetworkingConfig?.EndpointsConfig?.['n2']?.Aliases, ['abc-web-3', 'store']);
    const made = { name: 'abc-web-3', number: 3, request: instanceRequest(whole, 3) };
    assert.equal(essence(made), essence(whole));
    assert.ok(isSameTemplate(compose(4, 'abc-web-4'), whole));
    assert.ok(!isSameTemplate(compose(4, 'abc-web-4', { Image: 'redis' }), whole));
    assert.ok(!isSameTemplate({ ...compose(4, 'abc-web-4'), connected: { n3: {} } }, whole));
  });

  it('of a service of "docker run" numbers from the given name', () => {
    const single: ServiceTemplate = { name: 'web', number: 1, request: { Image: 'x', Labels: { 'arpanet.service': 'web' } } };
    assert.deepEqual([instanceName(single, 1), instanceName(single, 2)], ['web', 'web-2']);
  });

  it('is the same whichever instance it is read from, one that compose recreated included', () => {
    const first = compose(1, 'abc-web-1');
    const recreated = compose(3, '0123456789ab_abc-web-3');
    const labelled = {
      ...recreated,
      request: { ...recreated.request, Labels: { ...recreated.request.Labels, 'com.docker.compose.replace': 'abc-web-3' } },
    };
    const renamed = { ...recreated, name: 'abc-web-3' };
    for (const other of [recreated, labelled, renamed, compose(7, 'abc-web-7')]) assert.equal(essence(other), essence(first));
    for (const number of [1, 2, 3]) {
      const made = { name: instanceName(recreated, number), number, request: instanceRequest(recreated, number) };
      assert.equal(essence(made), essence(first), `instance ${number}`);
    }
    assert.notEqual(essence(compose(1, 'abc-web-1', { Image: 'other' })), essence(first));
  });

  it('leaves the anonymous volumes of a recreated container with that one', () => {
    const { HostConfig, Volumes } = instanceRequest(
      compose(1, 'abc-web-1', { HostConfig: { Binds: [`${volume}:/data:rw`, 'named:/kept'] } }),
      2,
    );
    assert.deepEqual(HostConfig?.Binds, ['named:/kept']);
    assert.deepEqual(Volumes, { '/data': {} });
  });

  it('says why there cannot be more than one', () => {
    assert.equal(scaleRefusal(compose(1, 'abc-web-1'), 9), undefined);
    assert.equal(scaleRefusal(compose(1, 'abc-web-1'), 10_001), 'a service has at most 10000');
    assert.match(scaleRefusal(compose(1, 'the-one'), 2) ?? '', /all called "the-one": take container_name out/);
    const fixed = compose(1, 'abc-web-1', {
      NetworkingConfig: { EndpointsConfig: { abc_default: { IPAMConfig: { IPv4Address: '10.32.0.9' } } } },
    });
    assert.match(scaleRefusal(fixed, 2) ?? '', /fixed address 10\.32\.0\.9 in network abc_default/);
    assert.equal(scaleRefusal(fixed, 1), undefined);
  });

  it('counts what compose keeps, not what "compose run" starts', () => {
    assert.equal(isCounted(compose(1, 'abc-web-1').request), true);
    assert.equal(isCounted({ Labels: { 'com.docker.compose.service': 'web', 'com.docker.compose.oneoff': 'True' } }), false);
    assert.equal(isCounted({ Image: 'busybox' }), false);
  });
});
