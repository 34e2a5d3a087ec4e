/** What the reference says of deployments as a whole. Plain data. */
import { get, list, type RouteDoc } from './route-doc.ts';

const COMPOSE = 'services:\n  web:\n    image: web:1\n';

export const DEPLOYMENT_DOCS: readonly RouteDoc[] = [
  list('/deployments', 'services', 'Deployments that were applied as a whole, and how far that has come.', 'Deployments'),
  get('/deployments/:name', 'services', 'One of them, with its ETag.', 'Deployment'),
  {
    method: 'put',
    path: '/deployments/:name',
    isGuarded: true,
    tag: 'services',
    summary:
      'Brings a deployment to what compose files say, which are sent in JSON with what belongs to them, or one of them as it is. What is wrong in them is said with its file and line, before anything is changed. Another leader continues it.',
    query: [{ name: 'dry-run', description: 'true: what would happen, as JSON; nothing is changed.', example: 'true' }],
    body: {
      type: 'arpanet.DeployRequest',
      required: [],
      example: { files: { 'compose.yml': COMPOSE }, variables: { TAG: '1' }, removeOrphans: true },
      yaml: COMPOSE,
    },
    answer: 'Deployed',
    isWork: true,
    dryRun: 'DeployPlan',
  },
  {
    method: 'delete',
    path: '/deployments/:name',
    isGuarded: true,
    tag: 'services',
    summary: 'Removes all of a deployment: services, containers, networks, secrets and configs. Another leader continues it.',
    query: [{ name: 'volumes', description: 'true: and its volumes, with all that is in them.', example: 'true' }],
    answer: 'Released',
    isWork: true,
  },
  {
    method: 'post',
    path: '/operations/:operation/stop',
    tag: 'cluster',
    summary: 'An apply or release begins nothing else; what it has begun it does to its end. Other work cannot be stopped.',
    answer: 'Operation',
  },
];
