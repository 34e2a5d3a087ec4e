/** The pictures of docs/dashboard.md: the page itself, of a simulated cluster, in three sizes, light and dark. `npm run bench -- dashboard-pictures`. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { startBrowser, visit } from '../test/support/browser.ts';
import { startWorld } from './dashboard-world.ts';
import type { BenchRow } from './row.ts';

const FOLDER = join(import.meta.dirname, '..', 'docs', 'dashboard');
const SIZES = { wide: { width: 1440, height: 900 }, tablet: { width: 820, height: 1100 }, phone: { width: 390, height: 844 } } as const;
const COMPOSE = `name: blog
services:
  web:
    image: nginx:1.27
    scale: 3
  db:
    image: postgres:16
    volumes: ["data:/var/lib/postgresql/data"]
volumes: {data: {}}
`;

interface Shot {
  readonly name: string;
  readonly path: string;
  readonly size: keyof typeof SIZES;
  readonly colorScheme: 'light' | 'dark';
  readonly ready: string;
  readonly before?: (page: Page) => Promise<void>;
}

const SHOTS: readonly Shot[] = [
  { name: 'cluster', path: '/ui/', size: 'wide', colorScheme: 'light', ready: 'led by s1' },
  { name: 'cluster-dark', path: '/ui/', size: 'wide', colorScheme: 'dark', ready: 'led by s1' },
  { name: 'cluster-phone', path: '/ui/', size: 'phone', colorScheme: 'dark', ready: 'led by s1' },
  { name: 'why-tablet', path: '/ui/instances/shop-web-1', size: 'tablet', colorScheme: 'light', ready: 'chosen' },
  { name: 'logs-dark', path: '/ui/logs?of=shop', size: 'wide', colorScheme: 'dark', ready: 'of 18 instances' },
  { name: 'doctor', path: '/ui/doctor?from=shop-web-1&name=nothing', size: 'tablet', colorScheme: 'light', ready: 'to fix it' },
  {
    name: 'deploy',
    path: '/ui/deploy',
    size: 'wide',
    colorScheme: 'light',
    ready: 'Deploy blog',
    async before(page) {
      await page.getByLabel('compose file').fill(COMPOSE);
      await page.getByRole('button', { name: 'Show the plan' }).click();
    },
  },
];

/** Writes them below docs/dashboard; no figures. */
export async function* run(): AsyncGenerator<BenchRow> {
  mkdirSync(FOLDER, { recursive: true });
  await using world = await startWorld();
  await using chromium = await startBrowser();
  for (const { name, path, size, colorScheme, ready, before } of SHOTS) {
    const tab = await chromium.open(`${world.scheduler.url}/ui/`, { viewport: SIZES[size], colorScheme });
    await visit(tab.page, world.scheduler.url + path);
    await before?.(tab.page);
    await tab.page.getByText(ready).first().waitFor();
    await tab.page.screenshot({ path: join(FOLDER, `${name}.png`) });
    await tab.context.close();
  }
  yield* [];
}
