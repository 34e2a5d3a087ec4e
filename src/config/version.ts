/** The version of this program. Effects: reads package.json, the one place where it is written. */
import { readFileSync } from 'node:fs';

/** As in package.json, `0.1.0`; the file is two folders up from src/config, and from dist/cli and dist/chunks, where the build puts this. */
export const VERSION = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string })
  .version;
