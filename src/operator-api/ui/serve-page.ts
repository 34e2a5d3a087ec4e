/**
 * Effects: reads the files of the dashboard, which any scheduler serves below `/ui`: no request of it goes anywhere else. Each script is one file, as
 * bundle.json says.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { BuildOptions } from 'esbuild';

interface Asset {
  readonly type: string;
  readonly plain: Buffer;
  readonly zipped: Buffer;
  readonly etag: string;
}

const TYPES: Readonly<Record<string, string>> = { html: 'text/html', css: 'text/css', js: 'text/javascript' };

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

let files: ReadonlyMap<string, Asset> | undefined;

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
  files ??= new Map([...readBuilt()].map(([file, plain]) => [file, assetFrom(file, plain)]));
  return files.get(name);
}

function assetFrom(name: string, plain: Buffer): Asset {
  const etag = `"${createHash('sha256').update(plain).digest('hex').slice(0, 16)}"`;
  return { type: TYPES[name.replace(/.*\./, '')] ?? 'text/plain', plain, zipped: gzipSync(plain), etag };
}

const placeOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Beside the programs in the build (dist/ui); a checkout is bundled when somebody asks first. */
function readBuilt(): ReadonlyMap<string, Buffer> {
  const built = placeOf('../ui/');
  if (existsSync(`${built}index.html`)) return new Map(readdirSync(built).map((name) => [name, readFileSync(built + name)]));
  const requireFrom = createRequire(import.meta.url);
  const { buildSync } = requireFrom('esbuild') as typeof import('esbuild');
  const options = JSON.parse(readFileSync(placeOf('./bundle.json'), 'utf8')) as BuildOptions;
  const { outputFiles } = buildSync({ ...options, absWorkingDir: placeOf('./page/'), outdir: '.', write: false });
  return new Map(outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)]));
}
