/** The OpenAPI 3.1 document of `/arpanet/v1`: made of the tables that bodies are read by, and of the schemas of answers. Pure. */
import { z } from 'zod';
import { BODIES } from '../bodies.ts';
import { ANSWERS, type AnswerName } from './answers.ts';
import { bodySchemas, componentName, type Schema } from './body-schemas.ts';
import type { RouteDoc } from './route-doc.ts';
import { ROUTE_DOCS } from './routes.ts';

const TAGS: Readonly<Record<RouteDoc['tag'], string>> = {
  cluster: 'What there is, and why it is where it is',
  hosts: 'Hosts and the work on them',
  services: 'Services with a count',
  names: 'Networks, addresses and names',
  repair: 'Comparing, repairing, backups',
  settings: 'Settings of the whole cluster',
  users: 'People with certificates, and their roles.',
};

/** `version`: of this release. */
export function openApi(version: string): Schema {
  const types = [...new Set(ROUTE_DOCS.flatMap(({ body }) => (body === undefined ? [] : [body.type])))];
  const paths: Record<string, Record<string, Schema>> = {};
  for (const route of ROUTE_DOCS) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  const answers = Object.entries(ANSWERS).map(([name, { schema }]) => [name, answerSchema(schema)] as const);
  return {
    openapi: '3.1.0',
    info: {
      title: 'arpanet',
      version,
      summary: "The operator's API of a cluster",
      description:
        'Any scheduler answers; followers pass requests to the leader. Refusals have a status of 400 or more and {"message": TEXT}. With Retry-After the same request may be sent again. Fields may be added: leave alone what you do not know.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/arpanet/v1' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: { schemas: { ...bodySchemas(BODIES, types), ...Object.fromEntries(answers) } },
  };
}

function answerSchema(schema: z.ZodType): Schema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' });
  return rest;
}

const refer = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

function operation(route: RouteDoc): Schema {
  const { method, path, tag, summary, query = [], body } = route;
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
    example: PATH_EXAMPLES[name] ?? NAMES[path.split('/')[1] ?? ''] ?? name,
  }));
  const inQuery = query.map(({ required = false, isRepeated = false, example, ...one }) => ({
    ...one,
    in: 'query',
    required,
    schema: isRepeated ? { type: 'array', items: { type: 'string' } } : { type: 'string' },
    example: isRepeated ? [example] : example,
  }));
  return {
    tags: [tag],
    operationId: idOf(method, path),
    summary,
    parameters: [
      ...inPath,
      ...inQuery,
      ...(route.isList === true ? LIST_PARAMETERS : []),
      ...(route.isFollowed === true ? [FOLLOW] : []),
      ...(route.isGuarded === true ? [IF_MATCH] : []),
    ],
    ...(body && {
      requestBody: {
        required: body.required.length > 0,
        content: {
          'application/json': { schema: { allOf: [refer(componentName(body.type)), { required: body.required }] }, example: body.example },
          ...(body.yaml !== undefined && { 'application/yaml': { schema: { type: 'string' }, example: body.yaml } }),
        },
      },
    }),
    responses: {
      200: {
        description: 'Done.',
        ...(route.isList === true && { headers: LIST_HEADERS }),
        content: {
          ...contentOf(route),
          ...(route.isFollowed === true && lines('Nothing')),
          ...(route.dryRun && plain(route.dryRun)),
          ...(route.isList === true && EVENTS),
        },
      },
      default: { description: 'Refused.', content: plain('Error') },
    },
  };
}

const LIST_PARAMETERS: readonly Schema[] = [
  {
    name: 'filter',
    in: 'query',
    description: 'FIELD=VALUE: only rows that have it; may be given several times.',
    schema: { type: 'array', items: { type: 'string' } },
    example: ['name=abc'],
  },
  {
    name: 'limit',
    in: 'query',
    description: 'At most so many rows, by their keys.',
    schema: { type: 'integer', minimum: 1, maximum: 1000 },
    example: 100,
  },
  {
    name: 'continue',
    in: 'query',
    description: 'What the answer before had as Arpanet-Continue.',
    schema: { type: 'string' },
    example: 'aDE',
  },
  {
    name: 'watch',
    in: 'query',
    description: 'true: server-sent events instead; all rows by their keys, then what changes of them, each with a version as its id.',
    schema: { type: 'string' },
    example: 'true',
  },
  {
    name: 'version',
    in: 'query',
    description:
      'Of a watch: the last id that the client has, also as Last-Event-ID. It gets what it has missed, or all rows where that is not known.',
    schema: { type: 'string' },
    example: '1f0c3a7e-12',
  },
];
const LIST_HEADERS = {
  'Arpanet-Continue': { description: 'There are more rows: `continue` of the next request.', schema: { type: 'string' } },
  Link: { description: 'That request, with rel="next" (RFC 8288).', schema: { type: 'string' } },
};
const FOLLOW: Schema = {
  name: 'follow',
  in: 'query',
  description: 'true: lines of JSON, the progress so far and what comes, as its first client got them, until it ends.',
  schema: { type: 'string' },
  example: 'true',
};
const IF_MATCH = {
  name: 'If-Match',
  in: 'header',
  description: 'The ETag of what was read: refused with 412 where that has changed since.',
  schema: { type: 'string' },
  example: '"R7sVtk0d3mH1b2yqT9nZ8wXcLpE"',
};

const plain = (answer: AnswerName): Schema => ({ 'application/json': { schema: refer(answer), example: ANSWERS[answer].example } });

function contentOf({ answer, isWork, as }: RouteDoc): Schema {
  if (isWork === true) return lines(answer);
  if (as === undefined) return plain(answer);
  if (as === 'events') return EVENTS;
  const { example } = ANSWERS[answer];
  return { [MEDIA[as]]: { schema: refer(answer), example: as === 'html' ? '<!doctype html>' : example } };
}

const MEDIA = { text: 'text/plain', html: 'text/html', gzip: 'application/gzip', lines: 'application/x-ndjson' } as const;

const EVENTS: Schema = {
  'text/event-stream': {
    schema: { type: 'string', description: 'The data of `rows`.', contentMediaType: 'application/json', contentSchema: refer('Watch') },
    example: 'id: 1f0c3a7e-12\nevent: rows\ndata: {"whole":false,"set":{},"gone":["h4"]}\n\n',
  },
};

const lines = (answer: AnswerName): Schema => ({
  'application/x-ndjson': {
    schema: {
      description: 'One of these in each line; the last one has the result or the error.',
      oneOf: [
        { type: 'object', properties: { progress: { type: 'string' } }, required: ['progress'] },
        { type: 'object', properties: { result: refer(answer) }, required: ['result'] },
        { type: 'object', properties: { error: { type: 'string' }, isUnavailable: { const: true } }, required: ['error'] },
      ],
    },
    example: { result: ANSWERS[answer].example },
  },
});

const PATH_EXAMPLES: Readonly<Record<string, string>> = {
  host: 'h1',
  container: 'abc_web_1',
  operation: '0c3f5a52-6f9c-4e9b-9a53-0d1f1c1f7d11',
};

/** What `name` is, by the first word of a path. */
const NAMES: Readonly<Record<string, string>> = { config: 'strategy', users: 'ada', deployments: 'abc' };

/** `getHosts`, `postHostsDrain`, `postSignIns`. */
const idOf = (method: string, path: string): string =>
  method +
  path
    .replaceAll(/\/:\w+$/g, '/one')
    .replaceAll(/\/:\w+/g, '')
    .replaceAll(/[/.-](\w)/g, (_all, letter: string) => letter.toUpperCase());
