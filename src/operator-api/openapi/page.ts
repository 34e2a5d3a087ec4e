/** The reference of `/arpanet/v1` as a page: all of the OpenAPI document that a person reads, without a script. Pure. */
import { createHash } from 'node:crypto';
import type { Schema } from './body-schemas.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly example?: unknown;
}
interface Media {
  readonly schema: Schema;
  readonly example?: unknown;
}
interface Operation {
  readonly tags: readonly string[];
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content: Readonly<Record<string, Media>> }>>;
}
interface Document {
  readonly info: { readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const STYLE =
  'body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}pre{overflow:auto;padding:.6rem;border:1px solid #8888}table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;padding:.1rem .8rem .1rem 0}h3{margin-top:2.5rem}';

/** What the page may do: show itself. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const escaped = (text: unknown): string =>
  String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const shown = (value: unknown): string => escaped(typeof value === 'string' ? value : JSON.stringify(value, undefined, 2));

/** `document`: of document.ts. */
export function referencePage(document: Schema): string {
  const { info, tags, paths, components } = document as unknown as Document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const parts = tags.map(({ name, description }) => {
    const mine = operations.filter(({ operation }) => operation.tags.includes(name));
    return `<h2 id="${name}">${escaped(description)}</h2>${mine.map(({ path, method, operation }) => operationPart(path, method, operation)).join('')}`;
  });
  const contents = tags.map(({ name, description }) => `<li><a href="#${name}">${escaped(description)}</a></li>`).join('');
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) => `<h3 id="schema-${name}">${escaped(name)}</h3><pre>${linked(shown(schema))}</pre>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>arpanet API</title><style>${STYLE}</style></head><body><main><h1>The operator's API, ${escaped(info.version)}</h1><p>${escaped(info.description)} Paths are below <code>/arpanet/v1</code>; <a href="openapi.json">openapi.json</a> is the same for programs.</p><ul>${contents}<li><a href="#schemas">Schemas</a></li></ul>${parts.join('')}<h2 id="schemas">Schemas</h2>${schemas.join('')}</main></body></html>\n`;
}

function operationPart(path: string, method: string, { operationId, summary, parameters, requestBody, responses }: Operation): string {
  const rows = parameters.map(
    ({ name, in: where, required = false, description = '', example }) =>
      `<tr><td><code>${escaped(name)}</code></td><td>${where}${required ? ', required' : ''}</td><td>${escaped(description)}</td><td><code>${shown(example ?? '')}</code></td></tr>`,
  );
  const table = rows.length === 0 ? '' : `<table><tr><th>Parameter</th><th>In</th><th></th><th>Example</th></tr>${rows.join('')}</table>`;
  const answers = Object.entries(responses).flatMap(([status, { description, content }]) =>
    Object.entries(content).map(([type, media]) => mediaPart(`${status === 'default' ? '4xx, 5xx' : status} ${description}`, type, media)),
  );
  const bodies = Object.entries(requestBody?.content ?? {}).map(([type, media]) => mediaPart('Body', type, media));
  return `<h3 id="${operationId}"><code>${method.toUpperCase()} ${escaped(path)}</code></h3><p>${escaped(summary)}</p>${table}${bodies.join('')}${answers.join('')}`;
}

const mediaPart = (what: string, type: string, { schema, example }: Media): string =>
  `<details${what === 'Body' ? ' open' : ''}><summary>${escaped(what)} <code>${escaped(type)}</code> ${schemaLinks(schema)}</summary><pre>${shown(example)}</pre></details>`;

const NAMES = /#\/components\/schemas\/([\w.-]+)/g;
const schemaLinks = (schema: Schema): string =>
  [...new Set([...JSON.stringify(schema).matchAll(NAMES)].map(([, name = '']) => name))]
    .map((name) => `<a href="#schema-${name}">${escaped(name)}</a>`)
    .join(' ');
const linked = (text: string): string => text.replaceAll(NAMES, (whole, name: string) => `<a href="#schema-${name}">${whole}</a>`);
