/** docs/divergence.md, made from divergences.ts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../../support/cluster/paths.ts';
import { DIVERGENCES, type Divergence } from './divergences.ts';

export const pagePath = join(repository, 'docs', 'divergence.md');

function routesOf(route: Divergence['route']): string {
  const routes = [route].flat();
  const shown = routes.slice(0, 6).map((one) => (one === '*' ? 'every route' : `\`${one}\``));
  return routes.length > shown.length ? `${shown.slice(0, 3).join(', ')} and ${routes.length - 3} more` : shown.join(', ');
}

export function page(): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const rows = DIVERGENCES.map(({ route, what, dockers, ours, reason }) =>
    ['', routesOf(route), what, dockers, ours, reason, ''].map(cell).join(' | ').trim(),
  );
  return `# Where arpanet differs from one Docker Engine

Every difference that a client can see. \`npm run conformance\` sends one long script of client calls to a bare Engine and to a three-host cluster of the
same Engine. It compares statuses, headers, bodies, stream framing and the order of events, and fails on any difference that is not in this table. The table is
made from \`test/conformance/replay/divergences.ts\` (\`npm run conformance -- --page\`). It lists only differences that a cluster makes inevitable.

| route | what | one Engine | arpanet | why |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

export function writePage(): void {
  writeFileSync(pagePath, page());
}
