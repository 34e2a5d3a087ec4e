/** Work that comes by every failpoint, and what must be true of it: what was answered holds, and when all is removed nothing is left over. Effects: requests. */
import assert from 'node:assert/strict';
import type { Failpoint } from '../../../src/model/index.ts';
import { until } from '../cluster/cluster.ts';
import type { Answer } from '../cluster/leaders.ts';
import { operator } from '../cluster/leftovers.ts';

const CONTAINER = { Image: 'busybox', Cmd: ['sleep', '1000'], StopTimeout: 0 };
const container = (name: string) => ({
  ...CONTAINER,
  Labels: { 'arpanet.deployment': 'failpoints' },
  HostConfig: { NetworkMode: `${name}-a` },
});
const instance = (service: string) => ({
  ...CONTAINER,
  Labels: { 'arpanet.deployment': 'failpoints', 'arpanet.service': service },
});

export const isOfCount = (point: Failpoint): boolean => /^(count|scale)\./.test(point);

export type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>;

export interface FailpointWork {
  /** All that there is to do with one container and its networks. `ask`: a client's way in. */
  exercise(ask: Ask, name: string): Promise<void>;
  /** Instances that are counted as they are made, scaled up and down, and one removed by a client. */
  scale(ask: Ask, name: string): Promise<void>;
  /** Removes everything, and waits until nothing is found anywhere. */
  clean(): Promise<void>;
}

interface Service {
  readonly service: string;
  readonly desired: number;
  readonly running: number;
}

/** `leads`: the address of the scheduler that leads now. `askAt`: one request to that address. */
export function failpointWork(
  leads: () => Promise<{ readonly url: string }>,
  askAt: (url: string, ...request: Parameters<Ask>) => Promise<Answer>,
): FailpointWork {
  const askLeader: Ask = async (...request) => askAt((await leads()).url, ...request);

  /** What an answer promised is true; one that promised nothing left all or nothing, which the end of the test looks at. */
  async function promised(answer: Answer, good: readonly number[], path: string, isThere: boolean): Promise<void> {
    const isUndoing = answer.message.includes('already in progress');
    const isCut = answer.status === 0;
    assert.ok(good.includes(answer.status) || answer.status >= 500 || isUndoing || isCut, `${path}: ${answer.status} ${answer.message}`);
    if (!good.includes(answer.status)) return;
    const then = await askLeader('GET', path);
    assert.equal(then.status === 200, isThere, `${path} was answered ${answer.status}, and asked for ${then.status} ${then.message}`);
  }
  const is = async (answer: Promise<Answer>, good: readonly number[]) => good.includes((await answer).status);
  /** Made, if it is not there, and started. */
  const started = (ask: Ask, name: string, body: unknown) =>
    until(
      'it is there and starts',
      async () => {
        await ask('POST', `/containers/create?name=${name}`, body);
        return is(ask('POST', `/containers/${name}/start`), [204, 304]);
      },
      40_000,
    );

  const serviceNamed = async (name: string): Promise<Service | undefined> =>
    (await operator<Service[]>(await leads(), 'services')).find(({ service }) => service === name);
  const counts = (name: string, desired: number) =>
    until(
      `${name} has ${desired}`,
      async () => {
        const found = await serviceNamed(name);
        if (found?.desired !== desired || found.running !== desired) throw new Error(JSON.stringify(found));
        return true;
      },
      40_000,
    );

  return {
    async exercise(ask, name) {
      const path = `/containers/${name}/json`;
      const networks = [`${name}-a`, `${name}-b`];
      for (const Name of networks) {
        await promised(await ask('POST', '/networks/create', { Name }), [201, 409], `/networks/${Name}`, true);
        await until('the network is there', () => is(ask('POST', '/networks/create', { Name }), [201, 409]), 20_000);
      }
      await promised(await ask('POST', `/containers/create?name=${name}`, container(name)), [201, 409], path, true);
      await started(ask, name, container(name));
      await ask('POST', `/networks/${name}-b/connect`, { Container: name });
      await ask('POST', `/containers/${name}/stop?t=0`);
      await promised(await ask('DELETE', `/containers/${name}?force=1`), [204, 404], path, false);
      for (const network of networks) await ask('DELETE', `/networks/${network}`);
    },

    async scale(ask, name) {
      for (const number of [1, 2]) {
        await ask('POST', `/containers/create?name=${name}-${number}`, instance(name));
        await started(ask, `${name}-${number}`, instance(name));
      }
      await counts(name, 2);
      for (const count of [3, 2]) {
        await until(
          'the count is written',
          async () => {
            if ((await serviceNamed(name))?.desired === count) return true;
            await askLeader('POST', '/arpanet/v1/services/scale', { counts: [`failpoints/${name}=${count}`] });
            return (await serviceNamed(name))?.desired === count;
          },
          40_000,
        );
        await counts(name, count);
      }
      const removed = await ask('DELETE', `/containers/${name}-1?force=1`);
      await until('it is removed', () => is(ask('DELETE', `/containers/${name}-1?force=1`), [204, 404]), 20_000);
      // the count is what was last asked for and answered
      if (removed.status === 204) await counts(name, 1);
      else await until('the count has settled', async () => (await serviceNamed(name))?.running === (await serviceNamed(name))?.desired);
    },

    async clean() {
      const removed = (path: string) => is(askLeader('DELETE', path), [204, 404]);
      await until(
        'all is removed',
        async () => {
          const { url } = await leads();
          const left = JSON.parse((await askAt(url, 'GET', '/containers/json?all=1')).message) as { Id: string; Names: string[] }[];
          const networks = await operator<{ id: string; name: string }[]>({ url }, 'networks');
          for (const { Id } of left) await removed(`/containers/${Id}?force=1`);
          for (const { name } of networks) if (/-[ab]$/.test(name)) await removed(`/networks/${name}`);
          return left.length === 0 && networks.length === 0;
        },
        40_000,
      );
      await until(
        'an audit finds nothing',
        async () => {
          const { findings } = await operator<{ findings: unknown[] }>(await leads(), 'audit');
          const services = await operator<unknown[]>(await leads(), 'services');
          if (findings.length + services.length > 0) throw new Error(JSON.stringify([findings, services]));
          return true;
        },
        40_000,
      );
    },
  };
}
