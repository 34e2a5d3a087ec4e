/** What the reference says of answers about deployments as a whole. Plain data. */
import { z } from 'zod';
import { ms, text, texts } from './shapes.ts';

const deployment = z.object({
  name: text,
  state: z.enum(['applying', 'applied', 'failed', 'stopped', 'releasing']),
  operation: text,
  user: text.optional(),
  startedAtMs: ms,
  endedAtMs: ms.optional(),
  error: text.optional(),
  files: texts,
  digest: text,
});
const exampleDeployment = {
  name: 'abc',
  state: 'applied',
  operation: '0c3f5a52-6f9c-4e9b-9a53-0d1f1c1f7d11',
  user: 'ada',
  startedAtMs: 1_790_000_000_000,
  endedAtMs: 1_790_000_004_000,
  files: ['compose.yml'],
  digest: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
} as const;

export const DEPLOYMENT_ANSWERS = {
  Deployments: { schema: z.array(deployment), example: [exampleDeployment] },
  Deployment: { schema: deployment, example: exampleDeployment },
  DeployPlan: {
    schema: z.object({
      project: text,
      creates: z.array(z.object({ kind: text, name: text })),
      steps: z.array(
        z.object({
          host: text,
          container: text,
          action: z.enum(['create', 'recreate', 'start', 'keep', 'remove', 'refused']),
          networks: texts,
          addresses: texts,
          image: text,
          imageNote: text.optional(),
          why: text.optional(),
        }),
      ),
    }),
    example: {
      project: 'abc',
      creates: [{ kind: 'network', name: 'abc_default' }],
      steps: [
        { host: 'h1', container: 'abc-web-1', action: 'create', networks: ['abc_default'], addresses: ['10.32.0.64'], image: 'web:1' },
      ],
    },
  },
  Deployed: {
    schema: z.object({ project: text, done: z.array(z.object({ container: text, action: text, id: text.optional() })) }),
    example: { project: 'abc', done: [{ container: 'abc-web-1', action: 'create', id: 'f00d' }] },
  },
  Released: {
    schema: z.object({ project: text, removed: texts }),
    example: { project: 'abc', removed: ['container abc-web-1', 'network abc_default'] },
  },
  LogLine: {
    schema: z.object({
      time: text.optional(),
      deployment: text,
      service: text,
      number: z.number(),
      host: text,
      container: text,
      instance: text,
      stream: z.enum(['stdout', 'stderr']).optional(),
      text: text.optional(),
      error: text.optional(),
    }),
    example: {
      time: '2026-11-29T12:00:00.000000000Z',
      deployment: 'abc',
      service: 'web',
      number: 1,
      host: 'h1',
      container: 'f00d',
      instance: 'abc-web-1',
      stream: 'stdout',
      text: 'listening on 80',
    },
  },
};
