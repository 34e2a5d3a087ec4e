/**
 * The dashboard of 200 hosts and 6,000 containers, in Chromium: frames while lists and the map scroll, what a minute of updates weighs, what an open page costs
 * the leader, and a minute of `yes` in a terminal. `npm run bench -- dashboard`. Hosts are simulated; each is a little busier or idler with each second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { startBrowser, visit } from '../test/support/browser.ts';
import { floodedExec } from '../test/support/fakes/flooded-exec.ts';
import type { BenchRow } from './row.ts';
import { startSimulated } from './scale.ts';

const HOSTS = Number(process.env['DASHBOARD_HOSTS'] ?? 200);
/** `DASHBOARD_SECONDS=10`: a shorter look, by hand. */
const SECONDS = Number(process.env['DASHBOARD_SECONDS'] ?? 60);
const FRAMES = 300;

/** Of so many frames, each of which scrolls on: milliseconds between one and the next. */
const scrolled = (page: Page): Promise<readonly number[]> =>
  page.evaluate(`new Promise((resolve) => {
    const took = [];
    let before;
    const step = (now) => {
      if (before !== undefined) took.push(now - before);
      before = now;
      scrollBy(0, 60);
      if (took.length === ${FRAMES}) resolve(took);
      else requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  })`);

const part = (times: readonly number[], share: number): number => times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? NaN;

export async function* run(): AsyncGenerator<BenchRow> {
  await using cluster = await startSimulated(HOSTS, 'embedded');
  const row = (work: string, unit: string, reach: string, ...ours: readonly number[]): BenchRow => ({
    work,
    beside: '–',
    ours,
    theirs: [],
    unit,
    reach,
  });
  const beats = setInterval(() => {
    for (const agent of cluster.agents)
      agent.say({ type: 'beat', load: { cpu: Math.random(), memoryUsedBytes: 2e9 + Math.random() * 4e9, memoryTotalBytes: 8e9 } });
  }, 1_000);
  try {
    const share = async (): Promise<number> => {
      const before = await cluster.usage();
      await sleep(SECONDS * 1_000);
      return ((await cluster.usage()).cpuMs - before.cpuMs) / SECONDS / 10;
    };
    const alone = await share();
    await using chromium = await startBrowser();
    const { page, context } = await chromium.open(`${cluster.url}/ui/hosts`);
    await page.getByRole('region', { name: `host h${HOSTS}` }).waitFor();
    yield row('an open page: CPU of the leader', '% of a core', '< 1 %', (await share()) - alone);
    for (const [what, path, ready] of [
      ['the map of hosts', '/ui/hosts', `h${HOSTS}`],
      ['the list of instances', '/ui/instances', 'app0-web-1'],
    ] as const) {
      await visit(page, cluster.url + path);
      await page.getByText(ready, { exact: true }).first().waitFor();
      const times = await scrolled(page);
      yield row(`${what} scrolls: frames`, '/s', '≥ 60 /s', 1_000 / part(times, 0.5));
      yield row(`${what} scrolls: 95 of 100 frames within`, 'ms', '≤ 17 ms', part(times, 0.95));
    }
    const answer = await fetch(`${cluster.url}/arpanet/v1/watch`, { signal: AbortSignal.timeout((SECONDS + 5) * 1_000) });
    let [whole, later] = [0, 0];
    try {
      for await (const chunk of answer.body ?? []) {
        const bytes = (chunk as Uint8Array).length;
        // all rows come at once; what follows is what has changed
        if (later === 0 && whole < 1_000) whole += bytes;
        else later += bytes;
      }
    } catch {
      // its time is over
    }
    yield row('updates', 'KB/s', '–', later / 1024 / SECONDS);
    const flood = floodedExec(cluster.agents);
    await page.goto(`${cluster.url}/ui/terminal/app0-web-1`);
    while (flood.sentBytes() === 0) await sleep(50);
    await sleep(SECONDS * 1_000);
    const session = await context.newCDPSession(page);
    await session.send('Performance.enable');
    const { metrics } = await session.send('Performance.getMetrics');
    yield row(
      `${SECONDS} s of yes in a terminal: the tab`,
      'MB',
      '< 100 MB',
      (metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? NaN) / 1e6,
    );
    const pressedMs = performance.now();
    await page.keyboard.press('Control+c');
    await page.getByText('stopped by Ctrl-C').first().waitFor();
    yield row('Ctrl-C in it, until its answer is seen', 'ms', '< 300 ms', performance.now() - pressedMs);
  } finally {
    clearInterval(beats);
  }
}
