/** Two recordings of one script: where do they differ, and is each difference listed? Pure. */
import type { Divergence } from './divergences.ts';

export interface Step {
  readonly case: string;
  readonly label: string;
  /** As the route table writes it: `GET /containers/{id}/json`. */
  readonly route: string;
  /** Normalised. */
  readonly said: unknown;
}

export interface Difference {
  readonly case: string;
  readonly label: string;
  readonly route: string;
  /** Where in the answer: `status`, `headers.server`, `body.Config.Labels.x`, `body[0].Name`. */
  readonly at: string;
  readonly dockers: unknown;
  readonly ours: unknown;
}

/** What was not said at all, so that it differs from null. */
const NOTHING = '<absent>';

export function compare(docker: readonly Step[], ours: readonly Step[]): readonly Difference[] {
  const other = new Map(ours.map((step) => [`${step.case}\n${step.label}`, step]));
  const missing = ours.filter((step) => !docker.some((one) => one.case === step.case && one.label === step.label));
  return [
    ...docker.flatMap((step) => differences(step, step.said, other.get(`${step.case}\n${step.label}`)?.said ?? NOTHING, '')),
    ...missing.flatMap((step) => differences(step, NOTHING, step.said, '')),
  ];
}

function differences(step: Step, dockers: unknown, ours: unknown, at: string): readonly Difference[] {
  if (Object.is(dockers, ours)) return [];
  if (isObject(dockers) && isObject(ours)) {
    const names = [...new Set([...Object.keys(dockers), ...Object.keys(ours)])];
    return names.flatMap((name) =>
      differences(step, name in dockers ? dockers[name] : NOTHING, name in ours ? ours[name] : NOTHING, at === '' ? name : `${at}.${name}`),
    );
  }
  if (Array.isArray(dockers) && Array.isArray(ours) && dockers.length === ours.length) {
    return dockers.flatMap((one, i) => differences(step, one, ours[i], `${at}[${i}]`));
  }
  if (JSON.stringify(dockers) === JSON.stringify(ours)) return [];
  return [{ case: step.case, label: step.label, route: step.route, at, dockers, ours }];
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

export interface Verdict {
  /** Differences that nothing explains: each one is a defect. */
  readonly unlisted: readonly Difference[];
  /** Listed ones that were not seen. */
  readonly unseen: readonly Divergence[];
}

export function judge(found: readonly Difference[], listed: readonly Divergence[]): Verdict {
  const explains = (one: Divergence, difference: Difference): boolean =>
    [one.route].flat().some((route) => route === '*' || route === difference.route) &&
    (one.label === undefined || one.label.test(difference.label)) &&
    one.at.test(difference.at) &&
    (one.when === undefined || (one.when[0].test(JSON.stringify(difference.dockers)) && one.when[1].test(JSON.stringify(difference.ours))));
  return {
    unlisted: found.filter((difference) => !listed.some((one) => explains(one, difference))),
    unseen: listed.filter((one) => !found.some((difference) => explains(one, difference))),
  };
}

export function describe(difference: Difference): string {
  const short = (value: unknown): string => {
    const said = JSON.stringify(value) ?? 'undefined';
    return said.length > 600 ? `${said.slice(0, 600)}…` : said;
  };
  return `${difference.route} · ${difference.case} · ${difference.label}\n    at ${difference.at || 'the answer'}\n    docker:  ${short(difference.dockers)}\n    arpanet: ${short(difference.ours)}`;
}
