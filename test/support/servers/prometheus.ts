/** A real Prometheus (Debian's) with the delivered alert rules, for tests that want to see which alerts fire. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcess, until } from '../cluster/cluster.ts';
import { freePort } from '../cluster/free-ports.ts';
import { repository, tools } from '../cluster/paths.ts';

export interface Prometheus extends AsyncDisposable {
  /** What a query has now: labels and value of each series. */
  readonly query: (expression: string) => Promise<readonly { readonly metric: Readonly<Record<string, string>>; readonly value: number }[]>;
  /** Alerts that fire, each as `name` or `name of host`, sorted. */
  readonly firing: () => Promise<readonly string[]>;
}

/** `targets`: `HOST:PORT` by job. `patience`: what rules that wait a minute wait here. */
export async function startPrometheus(
  targets: Readonly<Record<'arpanet-scheduler' | 'arpanet-agent', readonly string[]>>,
  patience: string,
): Promise<Prometheus> {
  const dir = mkdtempSync(join(tmpdir(), 'arpanet-prometheus-'));
  const rules = readFileSync(join(repository, 'examples', 'monitoring', 'alerts.yml'), 'utf8');
  writeFileSync(join(dir, 'alerts.yml'), rules.replaceAll('for: 1m', `for: ${patience}`));
  const jobs = Object.entries(targets).map(([job_name, of]) => ({ job_name, static_configs: [{ targets: of }] }));
  const config = { global: { scrape_interval: '1s', evaluation_interval: '1s' }, rule_files: ['alerts.yml'], scrape_configs: jobs };
  // YAML reads JSON
  writeFileSync(join(dir, 'prometheus.yml'), JSON.stringify(config));
  const url = `http://127.0.0.1:${await freePort()}`;
  const args = [`--config.file=${dir}/prometheus.yml`, `--storage.tsdb.path=${dir}/data`, `--web.listen-address=${url.slice(7)}`];
  const child = spawn(tools.prometheus('prometheus'), args, { stdio: 'ignore' });
  const query: Prometheus['query'] = async (expression) => {
    const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const { data } = (await answer.json()) as { data: { result: { metric: Record<string, string>; value: [number, string] }[] } };
    return data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  };
  const scheduler = 'up{job="arpanet-scheduler"} == 1';
  await until('Prometheus scrapes', async () => (await query(scheduler)).length === targets['arpanet-scheduler'].length, 60_000);
  return {
    query,
    async firing() {
      const alerts = await query('ALERTS{alertstate="firing"}');
      return alerts.map(({ metric: { alertname = '', host } }) => (host === undefined ? alertname : `${alertname} of ${host}`)).toSorted();
    },
    async [Symbol.asyncDispose]() {
      await endProcess(child);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
