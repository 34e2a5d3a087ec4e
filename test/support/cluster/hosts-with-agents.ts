/** Real engines in namespaces, an agent process in each, and a fake leader that they have joined. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentOptions } from '../../../src/hostagent/index.ts';
import { type FakeLeader, startFakeLeader } from '../fakes/fake-leader.ts';
import { compiled } from './compiled.ts';
import { type Lab, startLab } from './lab.ts';

export const token = 'a-join-token-for-tests';

export interface AgentLab extends AsyncDisposable {
  readonly lab: Lab;
  readonly leader: FakeLeader;
  startAgent(index: number, more?: Partial<AgentOptions>): Promise<void>;
  stopAgent(index: number, signal?: NodeJS.Signals): Promise<void>;
  agentLog(index: number): string;
  agentPid(index: number): number;
}

export async function startAgentLab(options: { count?: number; mixed?: boolean } = {}): Promise<AgentLab> {
  const lab = await startLab(options);
  const leader = await startFakeLeader(token, lab.gateway);
  const agents = new Map<number, ChildProcess>();
  const hostAt = (index: number) => {
    const host = lab.hosts[index];
    if (host === undefined) throw new Error(`no host ${index}`);
    return host;
  };
  const all: AgentLab = {
    lab,
    leader,
    async startAgent(index, more = {}) {
      const host = hostAt(index);
      const agent: AgentOptions = {
        name: host.name,
        address: host.address,
        listen: `${host.address}:7375`,
        join: [leader.url],
        token,
        engine: `unix://${host.socket}`,
        labels: { disk: 'ssd' },
        overlay: 'vxlan',
        dataDir: join(host.dir, 'agent'),
        version: '0.0.0-test',
        ...more,
      };
      const before = leader.hellos(host.name);
      const args = [compiled('test/support/cluster/agent-main.ts'), JSON.stringify(agent)];
      agents.set(index, lab.spawnIn(host, process.execPath, args, { logFile: join(host.dir, 'agent.log') }));
      if (agent.token === token && agent.join[0] === leader.url && leader.refusal === undefined) {
        await leader
          .host(host.name, (joined) => leader.hellos(host.name) > before && joined.snapshot !== undefined, 30_000)
          .catch((error: Error) => {
            throw new Error(`${error.message}; its log: ${all.agentLog(index).slice(-2_000)}`);
          });
      }
    },
    async stopAgent(index, signal = 'SIGTERM') {
      const agent = agents.get(index);
      agents.delete(index);
      if (agent === undefined || agent.exitCode !== null || agent.signalCode !== null) return;
      agent.kill(signal);
      await once(agent, 'exit');
    },
    agentLog: (index) => readFileSync(join(hostAt(index).dir, 'agent.log'), 'utf8'),
    agentPid: (index) => agents.get(index)?.pid ?? 0,
    async [Symbol.asyncDispose]() {
      for (const index of agents.keys()) await all.stopAgent(index);
      await leader[Symbol.asyncDispose]();
      await lab[Symbol.asyncDispose]();
    },
  };
  try {
    await Promise.all(lab.hosts.map((_host, index) => all.startAgent(index)));
  } catch (error) {
    await all[Symbol.asyncDispose]();
    throw error;
  }
  return all;
}
