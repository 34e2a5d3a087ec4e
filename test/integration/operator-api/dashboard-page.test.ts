/** The dashboard in a real browser: what a person sees, clicks and types. A whole scheduler; hosts of plain data. What it does to Engines: e2e/ops/dashboard. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { engineRequest } from '../../../src/engine/index.ts';
import { newKeyPair } from '../../../src/security/index.ts';
import { assertFits, axeFaults, startBrowser, type Tab, type TestBrowser, visit as visitPage } from '../../support/browser.ts';
import { until } from '../../support/cluster/cluster.ts';
import { freePort } from '../../support/cluster/free-ports.ts';
import { operator } from '../../support/cluster/leftovers.ts';
import { type FakeAgent, startFakeAgent } from '../../support/fakes/fake-agent.ts';
import { image } from '../../support/fakes/fake-engine.ts';
import { JOIN_TOKEN, type SmallScheduler, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';

/** Every view, with what a person reads there when all of it has come. */
const VIEWS: readonly (readonly [path: string, title: string, text: RegExp])[] = [
  ['/ui/', 'Cluster', /Deployments.*abc.*led by s1/s],
  ['/ui/hosts', 'Hosts', /Rebalance.*h1.*alive.*h2/s],
  ['/ui/hosts/h1', 'h1', /Host h1.*Drain.*Runs here/s],
  ['/ui/services', 'Services', /abc\/web.*busybox/s],
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
  ['/ui/doctor?from=abc-web-1&name=nothing', 'Doctor', /✓ sender.*✗ broken answer.*to fix it:/s],
  ['/ui/nothing', 'Not here', /no such page/],
];

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
      agent.engine.images.push(image('busybox:latest', `sha256:${'b'.repeat(64)}`));
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
    assert.ok(firstMs < 1_000, `the first paint came after ${firstMs} ms`);
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
