/** Effects: reads the files of the dashboard, which any scheduler serves below `/ui`: no request of it goes anywhere else. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

interface Asset {
  readonly type: string;
  readonly plain: Buffer;
  readonly zipped: Buffer;
  readonly etag: string;
}

const TYPES: Readonly<Record<string, string>> = { html: 'text/html', css: 'text/css', js: 'text/javascript' };
/** Files of packages, by the name that the page has for them: in the build they are beside the others. */
const PACKAGES: Readonly<Record<string, readonly [name: string, file: string]>> = {
  'preact.js': ['preact', 'dist/preact.mjs'],
  'htm.js': ['htm', 'dist/htm.module.js'],
  'xterm.js': ['@xterm/xterm', 'lib/xterm.mjs'],
  'xterm.css': ['@xterm/xterm', 'css/xterm.css'],
  'fit.js': ['@xterm/addon-fit', 'lib/addon-fit.mjs'],
};

/** The client of `/arpanet/v1` that others import, too. */
const CLIENT = { name: 'client.js', source: '../../../client/index.js' };

/** Nothing of another origin, nothing inline, in no frame (Content Security Policy Level 3). */
const policy = (styles: string): string =>
  `default-src 'none'; script-src 'self'; style-src ${styles}; img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
const HEAD = {
  'Content-Security-Policy': policy("'self'"),
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-cache',
};

const assets = new Map<string, Asset | undefined>();

/** Answers `GET /ui` and all below it: a file of the page, else the page itself, whose script reads the address. */
export function servePage(req: IncomingMessage, res: ServerResponse): void {
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    res
      .writeHead(405, { ...HEAD, Allow: 'GET, HEAD', 'Content-Type': 'application/json' })
      .end('{"message":"the dashboard is only read"}\n');
    return;
  }
  const [path = ''] = (req.url ?? '').split('?', 1);
  const name = /^\/ui\/([a-z]+\.(?:js|css))$/.exec(path)?.[1];
  const isTerminal = path.startsWith('/ui/terminal/');
  const asset = assetOf(name ?? (isTerminal ? 'terminal.html' : 'index.html'));
  if (asset === undefined) {
    res.writeHead(404, { ...HEAD, 'Content-Type': 'application/json' }).end('{"message":"the dashboard has no such file"}\n');
    return;
  }
  const isZipped = /\bgzip\b/.test(String(req.headers['accept-encoding']));
  const head = { ...HEAD, 'Content-Type': `${asset.type}; charset=utf-8`, ETag: asset.etag, Vary: 'Accept-Encoding' };
  // xterm.js writes style elements (xtermjs/xterm.js#4445), and has a page of its own for it
  if (isTerminal) head['Content-Security-Policy'] = policy("'self' 'unsafe-inline'");
  if (req.headers['if-none-match'] === asset.etag) {
    res.writeHead(304, head).end();
    return;
  }
  const body = isZipped ? asset.zipped : asset.plain;
  res.writeHead(200, { ...head, 'Content-Length': body.length, ...(isZipped ? { 'Content-Encoding': 'gzip' } : {}) });
  res.end(req.method === 'HEAD' ? undefined : body);
}

function assetOf(name: string): Asset | undefined {
  if (assets.has(name)) return assets.get(name);
  const path = pathOf(name);
  const asset = path === undefined ? undefined : read(path, name);
  assets.set(name, asset);
  return asset;
}

function read(path: string, name: string): Asset {
  const plain = readFileSync(path);
  const etag = `"${createHash('sha256').update(plain).digest('hex').slice(0, 16)}"`;
  return { type: TYPES[name.replace(/.*\./, '')] ?? 'text/plain', plain, zipped: gzipSync(plain), etag };
}

/** Beside the programs in the build (dist/ui), beside this file and in node_modules in the source. */
function pathOf(name: string): string | undefined {
  const files = [`../ui/${name}`, `./page/${name}`, ...(name === CLIENT.name ? [CLIENT.source] : [])];
  const places = files.map((file) => fileURLToPath(new URL(file, import.meta.url)));
  const found = places.find((place) => existsSync(place));
  const [from, file] = PACKAGES[name] ?? [];
  if (found !== undefined || from === undefined || file === undefined) return found;
  const main = createRequire(import.meta.url).resolve(from);
  const folder = `/node_modules/${from}/`;
  return main.slice(0, main.lastIndexOf(folder)) + folder + file;
}
