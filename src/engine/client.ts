/** Effects: dockerode, for calls that are not frequent. Imported at first use: with its gRPC it takes 24 MB of memory. */
import type Docker from 'dockerode';
import type { EngineTarget } from './request.ts';

/** A dockerode client of the Engine at this target; its methods throw dockerode's errors. */
export async function dockerFor(target: EngineTarget): Promise<Docker> {
  const { default: Client } = await import('dockerode');
  const place = 'socketPath' in target ? { socketPath: target.socketPath } : 'host' in target ? target : { host: 'docker', port: 80 };
  // dockerode passes `agent` on to http.request; its types leave it out
  const options = { ...place, protocol: 'http' as const, agent: target.agent };
  return new Client(options);
}
