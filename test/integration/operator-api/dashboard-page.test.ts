/** The dashboard in a real browser: what a person sees, clicks and types. A whole scheduler; hosts of plain data. What it does to Engines: e2e/ops/dashboard. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { engineRequest } from '../../../src/engine/index.ts';
import { newKeyPair } from '../../../src/security/index.ts';
import { assertFits, axeFaults, startBrowser, type Tab, type TestBrowser, visit as visitPage } from '../../support/browser.ts';
import { until } from '../../support/cluster/cluster.ts';
import { freePort } from '../../support/cluster/free-ports.ts';
import { operator } from '../../support/cluster/leftovers.ts';
import { floodedExec } from '../../support/fakes/flooded-exec.ts';
import { type FakeAgent, startFakeAgent } from '../../support/fakes/fake-agent.ts';
import { image } from '../../support/fakes/fake-engine.ts';
import { JOIN_TOKEN, type SmallScheduler, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';
import { promisedMs } from '../../support/promised.ts';

/** Every view, with what a person reads there when all of it has come. */
const VIEWS: readonly (readonly [path: string, title: string, text: RegExp])[] = [
  ['/ui/', 'Cluster', /Deployments.*abc.*led by s1/s],
  ['/ui/hosts', 'Hosts', /Rebalance.*h1.*alive.*h2/s],
  ['/ui/hosts/h1', 'h1', /Host h1.*Drain.*Runs here/s],
  ['/ui/services', 'Services', /Deploy….*abc\/web.*busybox/s],
  ['/ui/deployments/abc', 'abc', /Remove….*abc\/web.*abc-web-1/s],
  ['/ui/instances', 'Instances', /1 of 1.*abc-web-1/s],
  ['/ui/deploy', 'Deploy', /Show the plan/],
  ['/ui/services/abc/web', 'abc/web', /Scale….*Update….*Restart….*Remove….*abc-web-1/s],
  ['/ui/instances/abc-web-1', 'abc-web-1', /Why here.*strategy.*chosen/s],
  ['/ui/networks', 'Networks', /abc_default.*10\.32\./s],
  ['/ui/networks/abc_default', 'abc_default', /abc-web-1.*bound/s],
  ['/ui/volumes', 'Volumes', /data.*local/s],
  ['/ui/images', 'Images', /busybox:latest/],
  ['/ui/events', 'Events', /the newest first/],
  ['/ui/logs', 'Logs', /0 lines/],
  ['/ui/operations', 'Operations', /none since this leader leads/],
  ['/ui/audit', 'Audit', /Differences.*Who changed what/s],
  ['/ui/doctor?from=abc-web-1&name=nothing', 'Doctor', /✓\s*sender.*✗\s*broken answer.*to fix it:/s],
  ['/ui/nothing', 'Not here', /no such page/],
];

/** As operator-api/terminals says. */
const AHEAD_BYTES = 128 << 10;
const IMAGE = `sha256:${'b'.repeat(64)}`;

describe('the dashboard in a browser', () => {
  let dir: string;
  let scheduler: SmallScheduler;
  let tlsPort: number;
  let chromium: TestBrowser;
  let tab: Tab;
  const agents: FakeAgent[] = [];

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'arpanet-dashboard-'));
    tlsPort = await freePort();
    const more = { alsoListen: [{ host: '127.0.0.1', port: tlsPort, isTls: true }], clusterKey: join(dir, 'cluster.key') };
    scheduler = await startSmallScheduler('s1', { kind: 'embedded', dir: join(dir, 'store') }, more);
    await scheduler.ready();
    for (const [at, name] of ['h1', 'h2'].entries()) {
      const agent = await startFakeAgent({ name, token: JOIN_TOKEN, address: `10.0.0.${at + 1}` });
      agent.engine.images.push(image('busybox:latest', IMAGE));
      agent.engine.answers.set('GET /images/busybox/json', { Id: IMAGE });
      agents.push(agent);
      await agent.dial(scheduler.url);
    }
    await until('both hosts are alive', async () => {
      const hosts = await operator<{ state: string }[]>(scheduler, 'hosts');
      return hosts.filter(({ state }) => state === 'alive').length === 2;
    });
    await scheduler.call('POST', '/networks/create', { Name: 'abc_default', Labels: { 'com.docker.compose.project': 'abc' } });
    await scheduler.call('POST', '/volumes/create', { Name: 'data' });
    const labels = { 'com.docker.compose.project': 'abc', 'com.docker.compose.service': 'web', 'com.docker.compose.container-number': '1' };
    const body = { Image: 'busybox', Labels: labels, HostConfig: { NetworkMode: 'abc_default' } };
    const made = await scheduler.call('POST', '/containers/create?name=abc-web-1', body);
    assert.equal(made.status, 201, JSON.stringify(made.body));
    await scheduler.call('POST', '/containers/abc-web-1/start');
    chromium = await startBrowser();
    tab = await chromium.open(`${scheduler.url}/ui`);
  });
  after(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await scheduler?.[Symbol.asyncDispose]();
    await Promise.all(agents.map((agent) => agent[Symbol.asyncDispose]()));
    await rm(dir, { recursive: true });
  });

  /** Once the view has all of its answers. */
  const reads = async ({ page, errors, asked }: Tab, title: string, text: RegExp): Promise<void> => {
    let seen = '';
    await until(`${title} says ${text}`, async () => {
      seen = await page.locator('body').innerText();
      return text.test(seen) && !/asking/.test(seen);
    }).catch((error: unknown) => assert.fail(`${String(error)}\n${seen}\n${errors.join('\n')}\n${asked.slice(-20).join('\n')}`));
    assert.equal(await page.title(), `${title} · arpanet`);
  };
  const visit = async (to: Tab, [path, title, text]: (typeof VIEWS)[number]): Promise<void> => {
    await visitPage(to.page, scheduler.url + path);
    await reads(to, title, text);
  };

  it('has an address for every view, which fits into a phone as into a wide screen, and axe finds nothing wrong with it, light or dark', async () => {
    const phone = await chromium.open(`${scheduler.url}/ui`, {
      viewport: { width: 360, height: 740 },
      colorScheme: 'dark',
      hasTouch: true,
    });
    const faults: string[] = [];
    for (const view of VIEWS) {
      for (const one of [tab, phone]) {
        await visit(one, view);
        await assertFits(one.page);
        faults.push(...(await axeFaults(one.page)).map((fault) => `${view[0]}: ${fault}`));
      }
      await tab.page.setViewportSize({ width: 2560, height: 1300 });
      await assertFits(tab.page);
      await tab.page.setViewportSize({ width: 1280, height: 800 });
    }
    assert.deepEqual([...faults, ...tab.errors, ...phone.errors], []);
    await phone.context.close();
  });

  it('asks nobody but its scheduler, is less than 150 KB, and draws first within a second', async () => {
    const fresh = await chromium.open(`${scheduler.url}/ui`);
    await reads(fresh, 'Cluster', /led by s1/);
    assert.deepEqual(
      fresh.asked.filter((url) => !url.startsWith(scheduler.url) && !url.startsWith('data:')),
      [],
    );
    const [firstMs, bytes] = await fresh.page.evaluate<readonly [number, number]>(`(() => {
      const loaded = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
      const files = loaded.filter(({ name }) => new URL(name).pathname.startsWith('/ui'));
      const paint = performance.getEntriesByName('first-contentful-paint')[0];
      return [paint.startTime, files.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)];
    })()`);
    assert.ok(bytes > 5_000 && bytes < 150 * 1024, `${bytes} bytes compressed`);
    assert.ok(firstMs < promisedMs(1_000), `the first paint came after ${firstMs} ms`);
    await fresh.context.close();
  });

  it('is used by keyboard: / searches, g and a letter opens a view, a dialog has the focus and Escape leaves it', async () => {
    const { page } = tab;
    await visit(tab, ['/ui/', 'Cluster', /led by s1/]);
    await page.keyboard.press('g');
    await page.keyboard.press('h');
    await reads(tab, 'Hosts', /Rebalance/);
    await page.keyboard.press('/');
    await page.keyboard.type('abc-web');
    await page.getByRole('option', { name: 'instance abc-web-1' }).waitFor();
    assert.deepEqual(await axeFaults(page), []);
    await page.keyboard.press('Enter');
    await reads(tab, 'abc-web-1', /Why here/);
    await page.goBack();
    await reads(tab, 'Hosts', /Rebalance/);
    await page.keyboard.press('/');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'search' }).waitFor({ state: 'hidden' });
    // nothing of a word that is typed opens a view
    await visit(tab, ['/ui/logs', 'Logs', /0 lines/]);
    await page.getByRole('searchbox', { name: 'search' }).fill('gh');
    await reads(tab, 'Logs', /0 lines/);
  });

  it('shows before each action what it would do: a scale on which host', async () => {
    const { page } = tab;
    await visit(tab, ['/ui/services/abc/web', 'abc/web', /abc-web-1/]);
    await page.getByRole('button', { name: 'Scale…' }).click();
    const dialog = page.getByRole('dialog', { name: 'action' });
    await dialog.getByRole('slider').fill('3');
    await dialog.getByText(/abc-web-2 on h[12]/).waitFor();
    assert.deepEqual(await axeFaults(page), []);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await visit(tab, ['/ui/hosts', 'Hosts', /Rebalance/]);
    await page.getByRole('button', { name: 'Rebalance…' }).click();
    await dialog.getByText(/nothing would move|would move/).waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
  });

  it('deploys a compose file: what is wrong with it at its line, then who would go where, then the work as it goes; and removes it all', async () => {
    const { page } = tab;
    await visit(tab, ['/ui/deploy', 'Deploy', /Show the plan/]);
    const file = page.getByLabel('compose file');
    await file.fill('services:\n  web:\n    image: busybox\n    nonsense: 1\n');
    await page.getByLabel('name').fill('shop');
    await page.getByRole('button', { name: 'Show the plan' }).click();
    await page
      .getByRole('alert')
      .getByText(/^line 4: services\.web\.nonsense: unknown key/)
      .waitFor();
    assert.equal(await page.locator('.gutter .bad').innerText(), '4');
    assert.equal(
      await file.evaluate((field: { value: string; selectionStart: number; selectionEnd: number }) =>
        field.value.slice(field.selectionStart, field.selectionEnd),
      ),
      '    nonsense: 1',
    );
    assert.deepEqual(await axeFaults(page), []);
    // dropped, with a name of its own
    await page.evaluate(`(() => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(['services:\\n  web: {image: busybox, scale: 2, env_file: [web.env]}\\n'], 'shop.yaml'));
      dataTransfer.items.add(new File(['A=1\\n'], 'web.env'));
      document.querySelector('.editor').dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    })()`);
    await page.getByText('web.env').first().waitFor();
    await page.getByRole('button', { name: 'Show the plan' }).click();
    const plan = page.getByRole('region', { name: 'plan' });
    for (const host of ['h1', 'h2'])
      await plan
        .getByRole('region', { name: `on ${host}` })
        .getByText(/shop-web-[12]/)
        .waitFor();
    await plan.getByText('network shop_default').waitFor();
    assert.deepEqual(await axeFaults(page), []);
    assert.equal(
      agents.reduce((sum, { engine }) => sum + engine.containers.size, 0),
      1,
      'a plan changes nothing',
    );
    await page.getByRole('button', { name: 'Deploy shop' }).click();
    await page.getByRole('log').getByText('shop-web-2: created').waitFor();
    await page.getByRole('link', { name: 'see shop' }).click();
    await reads(tab, 'shop', /2 of 2.*shop-web-1.*shop-web-2/s);
    await visit(tab, ['/ui/operations', 'Operations', /PUT \/deployments\/.*done after/s]);
    await visit(tab, ['/ui/deployments/shop', 'shop', /shop-web-2/]);
    await page.getByRole('button', { name: 'Remove…' }).click();
    const dialog = page.getByRole('dialog', { name: 'action' });
    await dialog.getByText(/shop-web-2 on h[12]/).waitFor();
    await dialog.getByRole('button', { name: 'Remove shop' }).click();
    await dialog.getByText('done', { exact: true }).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await reads(tab, 'shop', /no deployment shop/);
  });

  it('shows logs of many instances in one stream, which can be searched, and names the instance that cannot be read', async () => {
    for (const number of ['2', '3']) {
      const labels = {
        'com.docker.compose.project': 'abc',
        'com.docker.compose.service': 'web',
        'com.docker.compose.container-number': number,
      };
      await scheduler.call('POST', `/containers/create?name=abc-web-${number}`, { Image: 'busybox', Labels: labels });
    }
    const at = (second: number): string => `2026-11-29T12:00:0${second}.000000000Z`;
    for (const { engine } of agents) {
      engine.logs.set('abc-web-1', [`${at(1)} the first`, `${at(3)} the third`]);
      engine.logs.set('abc-web-2', [`${at(2)} the second`]);
    }
    const { page } = tab;
    const asked = tab.asked.length;
    await visit(tab, [
      '/ui/logs?of=abc',
      'Logs',
      /the first.*abc-web-2 the second.*the third.*abc-web-3 not read: its Engine answers 501/s,
    ]);
    assert.equal(tab.asked.slice(asked).filter((url) => url.includes('/logs?')).length, 2, 'the page, and one stream');
    assert.deepEqual(await axeFaults(page), []);
    // it starts only now, on one of the two
    for (const agent of agents) {
      const { engine } = agent;
      const [id] = [...engine.containers].find(([, { name }]) => name === 'abc-web-3') ?? [];
      engine.logs.set('abc-web-3', [`${at(4)} the last`]);
      if (id !== undefined)
        agent.say({
          type: 'event',
          event: { Type: 'container', Action: 'start', Actor: { ID: id, Attributes: {} }, time: 1, timeNano: 1 },
        });
    }
    await reads(tab, 'Logs', /the third.*abc-web-3 the last/s);
    await page.getByRole('searchbox', { name: 'search' }).fill('SECOND');
    await page.getByText('1 lines of 3 instances').waitFor();
    assert.equal(await page.locator('mark').innerText(), 'second');
    await page.getByLabel('without abc').click();
    await reads(tab, 'Logs', /0 lines/);
    await page.getByLabel(/^of/).selectOption('abc-web-2');
    await page.getByText('1 lines of 1 instances').waitFor();
    const refused = await scheduler.call('GET', '/arpanet/v1/logs?of=abc&of=nothing');
    assert.deepEqual([refused.status, refused.body], [404, { message: 'no deployment, service or instance nothing runs here' }]);
    for (const number of ['2', '3']) await scheduler.call('DELETE', `/containers/abc-web-${number}?force=1`);
  });

  it('holds back what floods a terminal, where it is made, and Ctrl-C comes through', async () => {
    const flood = floodedExec(agents);
    const terminal = await chromium.open(`${scheduler.url}/ui/`);
    let came = 0;
    terminal.page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => (came += payload.length)));
    await terminal.page.goto(`${scheduler.url}/ui/terminal/abc-web-1`);
    await until('some is drawn, and much more is on its way', () => came > 4 * AHEAD_BYTES && flood.sentBytes() - came > 4 * AHEAD_BYTES);
    const before = came;
    await terminal.page.keyboard.press('Control+c');
    await terminal.page.getByText('stopped by Ctrl-C').first().waitFor();
    assert.ok(came - before < 3 * AHEAD_BYTES, `${came - before} bytes came after Ctrl-C, of ${flood.sentBytes() - before} on their way`);
    const session = await terminal.context.newCDPSession(terminal.page);
    await session.send('Performance.enable');
    const { metrics } = await session.send('Performance.getMetrics');
    const heapBytes = metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? Infinity;
    assert.ok(heapBytes < 100e6, `the tab holds ${heapBytes} bytes`);
    await terminal.context.close();
    // a page that draws nothing
    const { body } = await scheduler.call('POST', '/arpanet/v1/terminals', { container: 'abc-web-1' });
    const socket = new WebSocket(`${scheduler.url.replace('http', 'ws')}/arpanet/v1/terminal`, [
      'arpanet.terminal',
      (body as { ticket: string }).ticket,
    ]);
    let bytes = 0;
    socket.on('message', (data: Buffer) => (bytes += data.length));
    await until('it has what a page may be behind', () => bytes >= AHEAD_BYTES);
    for (let turn = 0; turn < 20; turn++) await scheduler.call('GET', '/_ping');
    assert.ok(bytes < 2 * AHEAD_BYTES, `${bytes} bytes came to a page that has drawn none`);
    socket.send(String(bytes));
    const held = bytes;
    await until('more comes once something is drawn', () => bytes > held);
    socket.terminate();
  });

  it('has of a long list only the lines in the page that can be seen, and shows its end to who scrolls there', async () => {
    const { page } = tab;
    await visit(tab, ['/ui/events', 'Events', /the newest first/]);
    for (let number = 1; number <= 400; number++) {
      const event = { Type: 'image', Action: 'pull', Actor: { ID: `image-${number}`, Attributes: {} }, time: 1, timeNano: number };
      agents[0]?.say({ type: 'event', event });
    }
    await page.getByText('image-400', { exact: true }).waitFor();
    const drawn = (): Promise<number> => page.locator('tbody tr').count();
    assert.ok((await drawn()) < 150, `${await drawn()} lines are in the page`);
    assert.equal(await page.getByText('image-1', { exact: true }).count(), 0);
    assert.deepEqual(await axeFaults(page), []);
    await page.evaluate('scrollTo(0, document.body.scrollHeight)');
    await page.getByText('image-1', { exact: true }).waitFor();
    assert.ok((await drawn()) < 150);
  });

  it('draws the load of the last hour, in words too', async () => {
    const load = { cpu: 0.5, memoryUsedBytes: 1e9, memoryTotalBytes: 8e9 };
    agents[0]?.say({ type: 'beat', load, lastHour: { cpu: [10, 20, 60], memory: [40, 41, 42] } });
    await visit(tab, ['/ui/hosts/h1', 'h1', /Host h1/]);
    const words = 'the last 3 minutes: CPU 30 percent on average, 60 at most, memory 42 percent now';
    await tab.page.getByRole('img', { name: words }).waitFor();
  });

  it('has one stream for all tabs of a browser, and each tab is up to date', async () => {
    const first = await chromium.open(`${scheduler.url}/ui/hosts`);
    const others = [];
    for (let count = 0; count < 7; count++) {
      const page = await first.context.newPage();
      await visitPage(page, `${scheduler.url}/ui/hosts`);
      others.push(page);
    }
    const all = [first.page, ...others];
    for (const page of all) await page.getByText('Rebalance').waitFor();
    await scheduler.call('POST', '/arpanet/v1/hosts/h2/update', { availability: 'pause' });
    for (const page of all) await page.getByRole('region', { name: 'host h2' }).getByText('pause').waitFor();
    await scheduler.call('POST', '/arpanet/v1/hosts/h2/update', { availability: 'active' });
    for (const page of all) await page.getByRole('region', { name: 'host h2' }).getByText('pause').waitFor({ state: 'hidden' });
    await first.context.close();
  });

  it('moves nothing for who asks for less motion', async () => {
    const still = await chromium.open(`${scheduler.url}/ui/hosts`, { reducedMotion: 'reduce' });
    await reads(still, 'Hosts', /alive/);
    const moving = await still.page.evaluate(`[...document.querySelectorAll('*')].filter((one) => {
      const { transitionDuration, animationName } = getComputedStyle(one);
      return transitionDuration !== '0s' || animationName !== 'none';
    }).length`);
    assert.equal(moving, 0);
    await still.context.close();
  });

  /** The code of a link, as `arpanet ui` asks for it with somebody's certificate. */
  const linkOf = async (name: string, role: string): Promise<string> => {
    const { privateKey, publicKey } = newKeyPair();
    const { body } = await scheduler.call('POST', '/arpanet/v1/users', { name, role, publicKey });
    const { certificate, ca } = body as { readonly certificate: string; readonly ca: string };
    const secure = `https://127.0.0.1:${tlsPort}`;
    const agent = new https.Agent({ cert: certificate, key: privateKey, ca, checkServerIdentity: () => undefined });
    const target = { host: '127.0.0.1', port: tlsPort, protocol: 'https:', agent } as const;
    const answer = await engineRequest(target, { method: 'POST', path: '/arpanet/v1/sign-ins' });
    return `${secure}/ui/sign-in#${(JSON.parse(answer.body.toString()) as { readonly code: string }).code}`;
  };

  it('signs in by a link, once: a viewer sees all views and no button, and is out as soon as an administrator says so', async () => {
    const link = await linkOf('vera', 'viewer');
    const secure = new URL(link).origin;
    const vera = await chromium.open(link, { ignoreHTTPSErrors: true });
    await reads(vera, 'Cluster', /vera \(viewer\).*h1.*h2/s);
    assert.equal(vera.page.url(), `${secure}/ui/`);
    const [cookie, ...others] = await vera.context.cookies();
    assert.deepEqual([cookie?.httpOnly, cookie?.secure, cookie?.sameSite, others.length], [true, true, 'Strict', 0]);
    const buttons = async (): Promise<readonly string[]> => await vera.page.locator('main').getByRole('button').allInnerTexts();
    for (const path of ['/ui/hosts', '/ui/hosts/h1', '/ui/services', '/ui/services/abc/web', '/ui/instances/abc-web-1']) {
      await visitPage(vera.page, secure + path);
      await vera.page
        .getByText(/^abc|h1/)
        .first()
        .waitFor();
      await vera.page.getByText('vera (viewer)').waitFor();
      assert.deepEqual(await buttons(), [], path);
      assert.equal(await vera.page.getByRole('link', { name: /Terminal|Audit/ }).count(), 0, path);
    }
    const second = await chromium.open(link, { ignoreHTTPSErrors: true });
    await reads(second, 'Sign in', /this link has been used, or is older than a minute: run "arpanet ui" again/);
    assert.deepEqual(await axeFaults(second.page), []);
    await visitPage(second.page, `${secure}/ui/hosts`);
    await reads(second, 'Sign in', /arpanet ui/);
    await second.context.close();
    await scheduler.call('POST', '/arpanet/v1/users/vera/rm');
    await reads(vera, 'Sign in', /arpanet ui/);
    await vera.context.close();
  });

  it('has what a role may do for who signed in with it', async () => {
    const olga = await chromium.open(await linkOf('olga', 'operator'), { ignoreHTTPSErrors: true });
    await reads(olga, 'Cluster', /olga \(operator\).*h1/s);
    await olga.page.getByRole('link', { name: 'h2' }).first().click();
    await olga.page.getByRole('button', { name: 'Drain…' }).waitFor();
    await olga.page.getByRole('button', { name: 'Sign out' }).click();
    await reads(olga, 'Sign in', /arpanet ui/);
    assert.deepEqual(await olga.context.cookies(), []);
    await olga.context.close();
  });
});
