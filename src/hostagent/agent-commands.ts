/** Effects: carries out what the leader asks of this host, one command each (`AgentCall` in model/wire.ts). */
import type { ContainerUsage, HostObservation } from '../model/facts.ts';
import type { HttpFigures } from '../model/http.ts';
import type { AgentCall, PathTrial, UpgradeOrder } from '../model/wire.ts';
import { missingPaths, realPaths } from './bind-paths.ts';
import { dial } from './gateway/dial.ts';
import type { ImageCopy } from './images/images.ts';
import type { Inventory } from './inventory/inventory.ts';
import type { HostNames } from './names/host-names.ts';
import type { Overlay } from './overlay/apply.ts';
import type { Fence } from './overlay/fence.ts';
import { outerAddress } from './overlay/tunnel-plan.ts';
import { isOurVxlan } from './overlay/plan.ts';
import type { AgentFiles } from './agent-files.ts';

export interface CommandDeps {
  readonly inventory: Inventory;
  readonly overlay: Overlay;
  readonly fence: Fence;
  /** What keeps rules in the kernel. */
  readonly kept: readonly Pick<Fence, 'differences'>[];
  /** What leads calls to instances. */
  readonly settling: readonly { settle(): Promise<void> }[];
  /** Closes containers that may not be called yet. */
  readonly closing: () => Promise<void>;
  readonly copyImage: (copy: ImageCopy) => Promise<void>;
  readonly httpFigures: () => Promise<readonly HttpFigures[]>;
  readonly readUsage: () => Promise<readonly ContainerUsage[]>;
  readonly names: Pick<HostNames, 'instances' | 'settle'>;
  readonly plans: AgentFiles['plans'];
  readonly answerPath: (trial: PathTrial) => Promise<void>;
  readonly upgrade: (order?: UpgradeOrder) => Promise<unknown>;
}

/** Resolves with the command's result as model/wire.ts has it. Throws what the part that does the work throws. */
export function agentCommands(deps: CommandDeps): (request: AgentCall) => Promise<unknown> {
  const { inventory, overlay, fence, names, plans } = deps;

  const observeHost = async (): Promise<HostObservation> => {
    const [{ networks, vxlans, differs: ofNetworks }, ofRules] = await Promise.all([
      overlay.look(),
      Promise.all(deps.kept.map((one) => one.differences())),
    ]);
    const differs = [...ofNetworks, ...ofRules.flat()];
    const unreadable = inventory.unreadable();
    return {
      networks: networks.map((network) => ({ ...network, ...lowered(network, overlay.mtuOn(network.bridge)) })),
      vxlans: vxlans.filter(({ device }) => isOurVxlan(device)).map((vxlan) => ({ ...vxlan, peers: vxlan.peers.map(outerAddress) })),
      names: names.instances(),
      ...(unreadable.length > 0 && { unreadable }),
      ...(differs.length > 0 && { differs }),
    };
  };
  const savePlans = (): void => plans.save(overlay.plans());

  return async (request) => {
    switch (request.method) {
      case 'sync':
        // the leader asks for it after a create: what may not be called by all is closed before it is started
        return inventory.sync(request).then(async (synced) => (await deps.closing(), synced));
      case 'materialise':
        return overlay.materialise(request.plan).finally(savePlans);
      case 'dematerialise':
        return overlay.dematerialise(request.network).finally(savePlans);
      case 'echo':
        return undefined;
      case 'settle':
        await names.settle();
        return Promise.all(deps.settling.map((one) => one.settle()));
      case 'fence':
        return fence.set(request.addresses);
      case 'copy-image':
        return deps.copyImage(request);
      case 'look':
        return observeHost();
      case 'upgrade':
        return deps.upgrade(request.order);
      case 'http-figures':
        return deps.httpFigures();
      case 'usage':
        return deps.readUsage();
      case 'dial':
        return dial(request.address, request.port);
      case 'answer-path':
        return deps.answerPath(request);
      case 'real-paths':
        return realPaths(request.paths);
      default:
        return missingPaths(request.paths);
    }
  };
}

/** What its running containers send at most is what counts. */
const lowered = ({ mtu }: { readonly mtu?: number }, now: number | undefined): { readonly mtu?: number } =>
  mtu === undefined || now === undefined ? {} : { mtu: Math.min(mtu, now) };
