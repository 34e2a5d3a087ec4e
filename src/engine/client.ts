/** Effects: dockerode for calls that are not hot. Imported at first use: it and its gRPC cost 24 MB of memory. */
import type Docker from 'dockerode';
import type { EngineTarget } from './request.ts';

/** A dockerode client of the Engine at this target. */
export async function dockerFor(target: EngineTarget): Promise<Docker> {
  const { default: Client } = await import('dockerode');
  const place = 'socketPath' in target ? { socketPath: target.socketPath } : 'host' in target ? target : { host: 'docker', port: 80 };
  // dockerode hands `agent` on to http.request; its types do not know it
  const options = { ...place, protocol: 'http' as const, agent: target.agent };
  return new Client(options);
}
