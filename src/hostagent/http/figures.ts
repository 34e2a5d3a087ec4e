/** What a host's proxy has counted for each instance, from the output of `show stat` (HAProxy management guide, section 9.1). Pure. */
import type { HttpFigures, HttpTable } from '../../model/http.ts';
import { backendOf, serverName } from './plan.ts';

/** Since its configuration was loaded; of instances that it has sent nothing nothing. */
export function readFigures(text: string, { sites }: Pick<HttpTable, 'sites'>): readonly HttpFigures[] {
  const containers = new Map(
    sites.flatMap(({ site, instances }) => instances.map((one) => [`${backendOf(site)}/${serverName(one)}`, one.container] as const)),
  );
  const [head = '', ...lines] = text.replace(/^# /, '').split('\n');
  const columns = head.split(',');
  return lines.flatMap((line): HttpFigures[] => {
    const fields = line.split(',');
    const field = (name: string): number => Number(fields[columns.indexOf(name)]) || 0;
    const container = containers.get(`${fields[0]}/${fields[1]}`);
    // tries that another instance took over are failures of this one
    const failed = field('econ') + field('eresp') + field('wretr') + field('wredis');
    const answered = ['1xx', '2xx', '3xx', '4xx', '5xx', 'other'].reduce((sum, kind) => sum + field(`hrsp_${kind}`), 0);
    if (container === undefined || answered + failed === 0) return [];
    return [{ container, requests: answered + failed, errors: field('hrsp_5xx') + failed, latencyMs: field('rtime') }];
  });
}
