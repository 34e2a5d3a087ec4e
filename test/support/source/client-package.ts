/** The client of `/arpanet/v1` as it is made of the OpenAPI document: its types and table in src/client, and the package in client/ that others import. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openApi } from '../../../src/operator-api/openapi/document.ts';
import { repository } from '../cluster/paths.ts';

/** A JSON Schema, as far as the document uses it. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly contentSchema?: Schema;
  readonly description?: string;
}
interface Media {
  readonly schema: Schema;
}
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required?: boolean; readonly schema: Schema }[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, Media>> }>>;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const document = openApi('0.0.0') as unknown as Document;
const HEAD = '// Made of the OpenAPI document: ARPANET_WRITE_PAGES=1 npm run test:unit -- client-package\n';
const JSON_TYPE = 'application/json';
const LINES = 'application/x-ndjson';

const refer = (name: string): string => `Schemas['${name}']`;
const key = (name: string): string => (/^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name));
const union = (types: readonly string[]): string => [...new Set(types)].join(' | ');
const grouped = (type: string): string => (/^readonly |[|&]/.test(type) ? `(${type})` : type);

/** A schema as a type of TypeScript. `absent`: what a field that may be left out may be besides. */
function typeOf(schema: Schema, absent = ''): string {
  const typeIn = (one: Schema): string => typeOf(one, absent);
  if (schema.$ref !== undefined) return refer(schema.$ref.replace('#/components/schemas/', ''));
  if (schema.enum !== undefined) return union(schema.enum.map((one) => JSON.stringify(one)));
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined) return union(either.map(typeIn));
  if (typeof schema.type === 'object') return union(schema.type.map((type) => typeIn({ ...schema, type })));
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'number':
    case 'integer':
      return 'number';
    case 'array':
      if (schema.prefixItems !== undefined) return `readonly [${schema.prefixItems.map(typeIn).join(', ')}]`;
      return `readonly ${grouped(typeIn(schema.items ?? {}))}[]`;
    case 'object':
      return objectType(schema, absent);
    default:
      return 'unknown';
  }
}

function objectType({ properties, required = [], additionalProperties }: Schema, absent: string): string {
  if (properties !== undefined && Object.keys(properties).length === 0) return 'unknown';
  if (properties === undefined) {
    const value = typeof additionalProperties === 'object' ? typeOf(additionalProperties, absent) : 'unknown';
    return `{ readonly [key: string]: ${value} }`;
  }
  const fields = Object.entries(properties).map(([name, schema]) => {
    const comment = schema.description === undefined ? '' : `/** ${schema.description} */ `;
    const type = typeOf(schema, absent);
    return `${comment}readonly ${key(name)}${required.includes(name) ? `: ${type}` : `?: ${type}${absent}`}`;
  });
  return `{ ${fields.join('; ')} }`;
}

/** src/client/schemas.ts */
export function schemasFile(): string {
  const answered = JSON.stringify(operations.map(({ responses }) => responses));
  const lines = Object.entries(document.components.schemas).map(([name, schema]) => {
    // of what a client sends, undefined is left out, and null is as if it were
    const absent = answered.includes(`"#/components/schemas/${name}"`) ? '' : ' | null | undefined';
    return `  ${key(name)}: ${typeOf(schema, absent)};`;
  });
  return `${HEAD}/** What bodies and answers have, by the names of the document. */\nexport interface Schemas {\n${lines.join('\n')}\n}\n`;
}

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
);
type Made = (typeof operations)[number];

const contentOf = ({ responses }: Made): Readonly<Record<string, Media>> => responses['200']?.content ?? {};

function formOf(operation: Made): string {
  const content = contentOf(operation);
  if (operation.parameters.some(({ name }) => name === 'watch')) return 'list';
  if (content['text/event-stream'] !== undefined) return 'events';
  const lines = content[LINES]?.schema;
  // work that was asked for before has its lines beside its report
  if (lines?.oneOf !== undefined && operation.method !== 'get') return 'work';
  if (lines !== undefined && content[JSON_TYPE] === undefined) return 'lines';
  return content[JSON_TYPE] === undefined ? 'text' : 'json';
}

function answerOf(operation: Made): string {
  const content = contentOf(operation);
  const form = formOf(operation);
  if (form === 'events') return typeOf(content['text/event-stream']?.schema.contentSchema ?? {});
  const schema = form === 'work' || form === 'lines' ? content[LINES]?.schema : (content[JSON_TYPE] ?? Object.values(content)[0])?.schema;
  return typeOf(schema?.oneOf?.find(({ required }) => required?.includes('result') === true)?.properties?.['result'] ?? schema ?? {});
}

/** What methods of the client say by themselves. */
function isOwn(operation: Made, name: string): boolean {
  const form = formOf(operation);
  if (form === 'list') return name === 'watch' || name === 'version';
  if (form === 'events') return name === 'version';
  return (form === 'work' && name === 'dry-run') || (form === 'json' && name === 'follow');
}

function givenOf(operation: Made): string {
  const parameters = operation.parameters
    .filter(({ name, in: where }) => where !== 'header' && !isOwn(operation, name))
    .map(({ name, required = false, schema }) => {
      const type =
        schema.type === 'array' ? 'readonly string[] | undefined' : required ? 'string | number' : 'string | number | boolean | undefined';
      return `readonly ${key(name)}${required ? '' : '?'}: ${type}`;
    });
  const { requestBody } = operation;
  const bodies = Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => (type === JSON_TYPE ? bodyOf(schema) : 'string'));
  if (bodies.length > 0)
    parameters.push(
      `readonly body${requestBody?.required === true ? '' : '?'}: ${union([...bodies, ...(requestBody?.required === true ? [] : ['undefined'])])}`,
    );
  return `{ ${parameters.join('; ')} }`.replace('{  }', 'Nothing');
}

/** A type of bodies, with what of it this route needs. */
function bodyOf({ allOf = [] }: Schema): string {
  const [whole = {}, { required = [] } = {}] = allOf;
  const type = typeOf(whole);
  const names = required.map((name) => `'${name}'`).join(' | ');
  return names === '' ? type : `${type} & Needed<${type}, ${names}>`;
}

/** src/client/operations.ts */
export function operationsFile(): string {
  const types = operations.flatMap((operation) => {
    const planned = formOf(operation) === 'work' && contentOf(operation)[JSON_TYPE];
    const parts = [
      `readonly form: '${formOf(operation)}'`,
      `readonly given: ${givenOf(operation)}`,
      `readonly answer: ${answerOf(operation)}`,
      ...(planned ? [`readonly planned: ${typeOf(planned.schema)}`] : []),
    ];
    return [`  /** ${operation.summary} */`, `  ${operation.operationId}: { ${parts.join('; ')} };`];
  });
  const table = operations.map(({ operationId, method, path }) => `  ${operationId}: ['${method}', '${path}'],`);
  return `${HEAD}import type { Schemas } from './schemas.ts';

type Nothing = { readonly nothing?: never };
type Needed<T, Names extends keyof T> = { readonly [Name in Names]-?: Exclude<T[Name], undefined | null> };

/** The routes of \`/arpanet/v1\`: what each is given and answers. */
export interface Operations {
${types.join('\n')}
}

/** Method and path, below \`/arpanet/v1\`. */
export const OPERATIONS: { readonly [Name in keyof Operations]: readonly [method: string, path: string] } = {
${table.join('\n')}
};
`;
}

/** The files of client/ by their names: what others import, and the dashboard is served. */
export function packageFiles(): Readonly<Record<string, string>> {
  const require = createRequire(import.meta.url);
  const { buildSync } = require('esbuild') as typeof import('esbuild');
  const bundled = buildSync({
    entryPoints: [join(repository, 'src', 'client', 'index.ts')],
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    write: false,
    legalComments: 'none',
    banner: { js: HEAD.trim() },
  }).outputFiles[0]?.text;
  const dir = mkdtempSync(join(tmpdir(), 'arpanet-client-'));
  try {
    // checked by `npm run types`
    const options =
      '--ignoreConfig --noCheck --skipLibCheck --declaration --emitDeclarationOnly --target es2023 --module nodenext --strict --types node --allowImportingTsExtensions --rewriteRelativeImportExtensions';
    const tsc = join(repository, 'node_modules', '.bin', 'tsc');
    execFileSync(tsc, [...options.split(' '), '--outDir', dir, join(repository, 'src', 'client', 'index.ts')], { cwd: repository });
    const types = readdirSync(dir).map((name) => {
      const text = readFileSync(join(dir, name), 'utf8').replaceAll(/(from '\.\/[\w-]+)\.ts'/g, "$1.js'");
      return [name, text.startsWith(HEAD) ? text : `${HEAD}${text}`] as const;
    });
    return { 'index.js': bundled ?? '', ...Object.fromEntries(types) };
  } finally {
    rmSync(dir, { recursive: true });
  }
}
