import { readFileSync } from 'node:fs';

/** Of package.json, the one place where it stands; the same two folders up from src/cli and from dist/cli. */
export const VERSION = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string })
  .version;
