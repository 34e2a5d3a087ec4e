/** The three projects of examples/ that people have, brought up, used and taken down with each compose; and what `arpanet deploy` brings up alone. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { type Cluster, must, startCluster, until } from '../../support/cluster/cluster.ts';
import { assertNothingLeft } from '../../support/cluster/leftovers.ts';
import { repository } from '../../support/cluster/paths.ts';
import { describeDeploys } from '../../support/suites/deploy-suite.ts';

describe('the examples on three hosts', () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ store: 'embedded' });
  });
  after(() => cluster?.[Symbol.asyncDispose]());
  afterEach(async () => {
    // What is run with --rm is removed once it has ended.
    for (const list of [
      ['ps', '-aq'],
      ['volume', 'ls', '-q'],
    ])
      await until(`${list.join(' ')} shows none`, async () => (await must(cluster.docker(...list))).trim() === '', 10_000);
    await assertNothingLeft(cluster, []);
  });
  const hostsOf = async (service: string) =>
    (await must(cluster.docker('ps', '--filter', `label=com.docker.compose.service=${service}`, '--format', '{{.Label "arpanet.host"}}')))
      .trim()
      .split('\n');

  describeDeploys(() => cluster);

  for (const version of ['docker-compose 1.29.2', 'compose v2'] as const) {
    const composeIn = (example: string) => {
      const folder = join(repository, 'examples', example);
      return (...args: string[]) =>
        must(version === 'compose v2' ? cluster.composeV2(folder, ...args) : cluster.composeV1(folder, ...args));
    };

    const nameOf = (project: string, service: string) => [project, service, '1'].join(version === 'compose v2' ? '-' : '_');

    it(`${version}: todo, a web application with its database, a cache and workers on all hosts`, async () => {
      const compose = composeIn('todo');
      await compose('up', '-d', '--build', '--scale', 'worker=3');
      const why = () => must(cluster.docker('ps', '--format', '{{.Names}} {{.Label "arpanet.placement"}}'));
      assert.deepEqual((await hostsOf('worker')).sort(), ['h1', 'h2', 'h3'], await why());
      const page = (query: string) => must(cluster.docker('exec', nameOf('todo', 'web'), 'wget', '-qO-', `http://localhost/${query}`));
      // A word that is added before the queue is there is lost, as the page does not say.
      await until('it answers', async () => /visits: \d/.test(await page('')));
      await until('its queue answers', async () =>
        /PONG/.test((await cluster.docker('exec', nameOf('todo', 'db'), 'redis-cli', 'ping')).stdout),
      );
      assert.match(await compose('exec', '-T', 'db', 'redis-cli', 'ping'), /PONG/);
      await until('it finds its queue', () => must(cluster.docker('exec', nameOf('todo', 'web'), 'ping', '-c', '1', '-W', '5', 'db')));
      for (const word of ['milk', 'bread', 'tea']) await page(`?add=${word}`);
      const done = await until('the workers have done all of it', async () => {
        const text = await page('');
        return ['milk', 'bread', 'tea'].every((word) => text.includes(`done: ${word}-by-`)) ? text : '';
      });
      assert.match(done, /^things to do\nvisits: \d+\n/);
      const logs = await until('logs show their work', async () => {
        const text = await compose('logs', '--no-color', 'worker');
        return ['milk', 'bread', 'tea'].every((word) => text.includes(`did ${word}`)) ? text : '';
      });
      assert.match(logs, /worker[_-]\d/);
      // the database loses nothing when it is made anew: its volume keeps it on its host
      await compose('up', '-d', '--force-recreate', '--no-deps', 'db');
      await until('what was done is there again', async () => (await page('')).includes('done: milk-by-'));
      await compose('down', '-v', '--rmi', 'local');
    });

    // one client for each of these two: compose-up-consul has what both do alike
    if (version === 'docker-compose 1.29.2')
      it(`${version}: walls, two networks and health before anything that needs it`, async () => {
        const compose = composeIn('walls');
        await compose('up', '-d', '--build');
        const [proxy, store] = [nameOf('walls', 'proxy'), nameOf('walls', 'store')];
        const page = await until('it answers', async () =>
          (await cluster.docker('exec', proxy, 'wget', '-qO-', 'http://localhost/')).stdout.trim(),
        );
        assert.equal(page, 'schema: three');
        assert.match(await compose('ps'), /\(healthy\)/);
        for (const name of ['store', 'vault']) assert.notEqual((await cluster.docker('exec', proxy, 'ping', '-c', '1', name)).code, 0);
        const address = await must(cluster.docker('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', store));
        assert.notEqual((await cluster.docker('exec', proxy, 'ping', '-c', '1', '-W', '1', address.trim())).code, 0, 'not even by address');
        await compose('down', '--rmi', 'local');
      });
    else
      it(`${version}: books, volumes that outlive their containers, and jobs run once beside them`, async () => {
        const compose = composeIn('books');
        await compose('up', '-d');
        const report = async () => Number(/entries - (\d+)/.exec(await compose('run', '--rm', '-T', 'report'))?.[1]);
        const first = await until('the clerk has written', report);
        assert.match(await compose('run', '--rm', '-T', '-e', 'NAME=monday', 'backup'), /monday/);
        await compose('down');
        await compose('up', '-d');
        assert.ok((await report()) >= first, 'the books stay');
        assert.match(await compose('run', '--rm', '-T', 'backup'), /latest\s+monday/);
        await compose('--profile', 'by-hand', 'down', '-v');
      });
  }
});
