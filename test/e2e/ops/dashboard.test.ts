/** What a person does in the dashboard, done to real Engines: each action with its preview, two people at once, a leader that dies under an open page. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { WebSocket } from 'ws';
import { startBrowser, type Tab, type TestBrowser, visit } from '../../support/browser.ts';
import { type Cluster, must, startCluster, until } from '../../support/cluster/cluster.ts';

const file = `
services:
  web:
    image: busybox
    command: sleep 3600
    stop_grace_period: 0s
    stop_signal: SIGKILL
    deploy: {replicas: 1, update_config: {monitor: 1s}}
`;

describe('the dashboard on real Engines', () => {
  let cluster: Cluster;
  let scratch: string;
  let chromium: TestBrowser;
  /** Ada's page is the leader's, Bob's the follower's. */
  let ada: Tab;
  let bob: Tab;
  before(async () => {
    cluster = await startCluster({ store: 'consul', schedulers: 2, hosts: 2 });
    scratch = mkdtempSync(join(tmpdir(), 'arpanet-dashboard-'));
    writeFileSync(join(scratch, 'compose.yml'), file);
    await must(cluster.arpanet('deploy', '-f', join(scratch, 'compose.yml'), '-p', 'abc'));
    chromium = await startBrowser();
    ada = await chromium.open(`${cluster.schedulers[0]?.url}/ui/services/abc/web`);
    bob = await chromium.open(`${cluster.schedulers[1]?.url}/ui/services/abc/web`);
  });
  after(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  const dialogOf = (page: Page) => page.getByRole('dialog', { name: 'action' });
  /** Opens the dialog of a button, and has what it offers done. `look`: what is read before that. */
  const act = async (page: Page, button: string, look: RegExp, ready?: (dialog: ReturnType<typeof dialogOf>) => Promise<void>) => {
    await page.getByRole('button', { name: `${button}…` }).click();
    const dialog = dialogOf(page);
    await ready?.(dialog);
    await dialog.getByText(look).first().waitFor();
    await dialog.getByRole('button', { name: new RegExp(`^${button}`) }).click();
    await until(`${button} is done`, async () => {
      const text = await dialog.innerText();
      assert.doesNotMatch(text, /it failed/);
      return /\ndone\n/.test(text);
    });
    await dialog.getByRole('button', { name: 'Close' }).click();
  };
  const running = async (): Promise<readonly string[]> =>
    (
      await must(
        cluster.docker('ps', '--no-trunc', '--format', '{{.ID}} {{.Names}} {{.Image}}', '--filter', 'label=com.docker.compose.project=abc'),
      )
    )
      .split('\n')
      .filter(Boolean)
      .sort();
  const shows = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();

  it('scales after a look at where the instances would go, and the other person sees it', async () => {
    await shows(bob.page, '1 of 1');
    await act(ada.page, 'Scale', /abc-web-2 on h\d/, (dialog) => dialog.getByRole('slider').fill('2'));
    await shows(ada.page, '2 of 2');
    await shows(bob.page, '2 of 2');
    assert.equal((await running()).length, 2);
  });

  it('gives a terminal to who has its ticket, once, and to no page of another origin', async () => {
    const { url = '' } = cluster.schedulers[1] ?? {};
    const ticketOf = async (): Promise<string> => {
      const answer = await fetch(`${url}/arpanet/v1/terminals`, { method: 'POST', body: JSON.stringify({ container: 'abc-web-1' }) });
      return ((await answer.json()) as { readonly ticket: string }).ticket;
    };
    const opened = (ticket: string, headers: Record<string, string> = {}): Promise<string> =>
      new Promise((resolve) => {
        const socket = new WebSocket(`${url.replace('http', 'ws')}/arpanet/v1/terminal`, ['arpanet.terminal', ticket], { headers });
        socket.once('open', () => {
          resolve('open');
          socket.terminate();
        });
        socket.once('error', (error) => resolve(error.message));
      });
    const ticket = await ticketOf();
    assert.match(await opened(ticket, { Origin: 'http://evil.example' }), /403/);
    assert.match(await opened(ticket, { Origin: url.replace(/:(\d+)$/, ':1') }), /403/, 'another port of the same name');
    assert.equal(await opened(ticket, { Origin: url }), 'open');
    assert.match(await opened(ticket, { Origin: url }), /401/, 'a second time');
    assert.match(await opened('none'), /401/);
    for (const { name } of cluster.schedulers)
      assert.ok(!readFileSync(join(cluster.lab.dir, `${name}.log`), 'utf8').includes(ticket), `${name} has the ticket in its log`);
  });

  it('updates to another image with its progress, and rolls back', async () => {
    await must(cluster.docker('tag', 'busybox', 'busybox:next'));
    const before = await running();
    await act(bob.page, 'Update', /These are replaced:/, (dialog) => dialog.getByLabel('image').fill('busybox:next'));
    const updated = await running();
    assert.ok(updated.length === 2 && updated.every((line) => line.endsWith('busybox:next')), updated.join());
    await shows(ada.page, 'busybox:next');
    await act(ada.page, 'Roll back', /these are replaced:/);
    const back = await running();
    assert.ok(back.length === 2 && back.every((line) => line.endsWith(' busybox') && !before.includes(line)), back.join());
  });

  it('restarts, drains a host and activates it again', async () => {
    const startedAt = async () =>
      must(cluster.docker('inspect', '-f', '{{.State.StartedAt}}', ...(await running()).map((line) => line.slice(0, 64))));
    const before = await startedAt();
    await act(ada.page, 'Restart', /These are restarted:/);
    assert.notEqual(await startedAt(), before);
    const [host = '', other = ''] = cluster.lab.hosts.map(({ name }) => name);
    await visit(bob.page, `${cluster.schedulers[1]?.url}/ui/hosts/${host}`);
    await act(bob.page, 'Drain', /these move to other hosts/);
    await shows(bob.page, 'no instances');
    assert.equal((await must(cluster.engine(host, 'ps', '-q'))).trim(), '');
    assert.equal((await must(cluster.engine(other, 'ps', '-q'))).trim().split('\n').length, 2);
    await act(bob.page, 'Activate', /takes new containers again/);
    await bob.page.getByRole('button', { name: 'Drain…' }).waitFor();
  });

  it('goes on while it is open and the leader dies: the page says so, follows the next, and acts', async () => {
    await visit(bob.page, `${cluster.schedulers[1]?.url}/ui/`);
    await shows(bob.page, 'led by s1');
    cluster.schedulers[0]?.process.kill('SIGKILL');
    await shows(ada.page, 'not connected');
    await shows(bob.page, 'led by s2');
    await bob.page.getByText('not connected').waitFor({ state: 'hidden' });
    await bob.page.getByRole('link', { name: 'web', exact: true }).click();
    await act(bob.page, 'Scale', /would be removed:/, (dialog) => dialog.getByRole('slider').fill('1'));
    await shows(bob.page, '1 of 1');
    await cluster.startScheduler(0);
    // the page of the one that is back goes on by itself
    await ada.page.getByText('not connected').waitFor({ state: 'hidden' });
    await shows(ada.page, '1 of 1');
  });

  it('removes a service after it says what that is', async () => {
    await act(ada.page, 'Remove', /abc-web-\d on h\d/);
    await shows(ada.page, 'no service abc/web');
    assert.deepEqual(await running(), []);
    assert.deepEqual([...ada.errors, ...bob.errors], []);
  });
});
