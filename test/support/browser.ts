/** A headless Chromium, Debian's, which tests drive as a person would: what they see, click and type. */
import assert from 'node:assert/strict';
import axe from 'axe-core';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { tools } from './cluster/paths.ts';

/** One tab of a browser profile of its own. What its pages ask and what goes wrong in them is kept. */
export interface Tab {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Addresses, in order. */
  readonly asked: readonly string[];
  /** Errors that a script did not catch, and what a policy of the page refused. */
  readonly errors: readonly string[];
}

export interface TestBrowser extends AsyncDisposable {
  readonly browser: Browser;
  /** As another person on another machine: no tab shares storage or workers with that of another call. */
  open(url: string, options?: BrowserContextOptions): Promise<Tab>;
}

/** How long a person would wait for what a click brings; more than any of it takes on a busy machine. */
const WAIT_MS = 30_000;

export async function startBrowser(): Promise<TestBrowser> {
  // there is no graphics card to speak to, and no shared memory in some containers
  const browser = await chromium.launch({ executablePath: tools.chromium(), args: ['--disable-gpu', '--disable-dev-shm-usage'] });
  return {
    browser,
    async open(url, options = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
      context.setDefaultTimeout(WAIT_MS);
      const page = await context.newPage();
      const asked: string[] = [];
      const errors: string[] = [];
      context.on('request', (request) => asked.push(request.url()));
      page.on('pageerror', (error) => errors.push(String(error)));
      page.on('console', (message) => {
        if (/Content Security Policy|SyntaxError|TypeError/.test(message.text())) errors.push(message.text());
      });
      await visit(page, url);
      return { page, context, asked, errors };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

/** Opens an address, and waits for its first word. Chromium gives up what it fetches when an interface of the machine comes or goes, as labs beside it make them. */
export async function visit(page: Page, url: string): Promise<void> {
  const go = () => page.goto(url);
  await go().catch((error: unknown) => (String(error).includes('ERR_NETWORK_CHANGED') ? go() : Promise.reject(error)));
  await page.locator('h1, [role="status"]').first().waitFor();
}

/** What axe-core finds wrong for people who read by screen reader, keyboard or contrast: rule, its words, the elements. */
export async function axeFaults(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<{ violations: { id: string; help: string; nodes: { html: string }[] }[] }>('axe.run()');
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`.slice(0, 600));
}

/** No view is wider than the window: nobody has to scroll sideways for a part of it. */
export async function assertFits(page: Page): Promise<void> {
  const [wide, window, what] = await page.evaluate<readonly [number, number, string]>(`(() => {
    const seen = document.documentElement.clientWidth;
    const outside = [...document.querySelectorAll('body *')].filter(
      (one) => one.getBoundingClientRect().right > seen + 1 && one.closest('.scroll, pre') === null,
    );
    return [document.documentElement.scrollWidth, seen, outside.map((one) => one.outerHTML.slice(0, 80)).join('; ')];
  })()`);
  assert.ok(wide <= window, `${page.url()} is ${wide} px wide in a window of ${window}: ${what}`);
}
