/** The path from a container to what it calls by a name, link by link: the first broken link, and its fix. Pure. */
import { answering, dnsName, type NamedInstance } from '../model/index.ts';
import { allows, parseAllowFrom } from '../text/allow-label.ts';
import {
  addressFor,
  deploymentsOf,
  type DoctorInput,
  isOutside,
  publishedAt,
  type PublishedPort,
  senderOf,
  sharedNetwork,
  siteCalled,
  targetsOf,
  withPort,
} from './doctor-targets.ts';
import { followSite } from './doctor-http.ts';
import { answersOf, broken, type Link, sound } from './doctor-link.ts';
import { instancesCalled } from './instance-reference.ts';

const KINDS = { wireguard: 'WireGuard in the kernel', 'wireguard-go': 'wireguard-go (slower)', none: 'nothing' } as const;
/** The links up to the first broken one. */
export function diagnose(input: DoctorInput): readonly Link[] {
  const links: Link[] = [];
  for (const link of follow(input)) {
    links.push(link);
    if (!link.isSound) break;
  }
  return links;
}

function* follow(input: DoctorInput): Generator<Link> {
  const { from, name: text, names, instances, hosts, networks, findings, outside, dialled = [], near = [], silent = new Map() } = input;
  const { name, port } = withPort(text);
  const sender = senderOf(from, names);
  if (sender === undefined) {
    const among = deploymentsOf(instancesCalled(from, names));
    if (among.length > 0) {
      yield broken('sender', `${from} is in ${among.join(' and ')}`, `say which: ${among.map((one) => `${one}/${from}`).join(', ')}`);
      return;
    }
    const apart = instances.find((one) => instancesCalled(from, [calledAs(one)]).length > 0);
    if (apart !== undefined) yield inNoNetwork('sender', apart.name);
    yield broken(
      'sender',
      `${from} is not a container in a network of the cluster`,
      `"arpanet ps" and "arpanet dns ls" show those that are; a container that was disconnected: docker network connect NETWORK ${from}`,
    );
    return;
  }
  const stateOf = (one: NamedInstance) => instances.find((instance) => instance.id === one.container)?.state;
  const idleness = (one: NamedInstance) =>
    stateOf(one) === undefined ? 'does not run, or is not healthy yet' : `does not run: ${stateOf(one)}`;
  /** Which WireGuard the hosts have; user space's is slower. */
  const encryptionOf = (id: string, between: readonly string[]): string => {
    if (networks.find((network) => network.id === id)?.isEncrypted !== true) return '';
    const kinds = [...new Set(between)].map((host) => `${KINDS[hosts.find((one) => one.name === host)?.encryption ?? 'none']} on ${host}`);
    return `, encrypted between hosts by ${kinds.join(', ')}`;
  };
  const networkName = (id: string) => networks.find((network) => network.id === id)?.name ?? id.slice(0, 12);
  const own = Object.keys(sender.addresses);
  if (sender.state === 'paused') yield paused('sender', sender.name);
  // A single container of `docker run` belongs to no service.
  if (!isUp(stateOf(sender) ?? (sender.state === 'running' ? 'Up' : '')))
    yield broken(
      'sender',
      `${sender.name} ${idleness(sender)}`,
      `docker start ${sender.name}; docker logs ${sender.name} may say why it stopped`,
    );
  else yield sound('sender', `${sender.name} runs on ${sender.host}, in ${own.map(networkName).join(', ')}`);

  const published = publishedAt(sender, input);
  if (published !== undefined) {
    yield* followPort(published, input);
    return;
  }
  const { targets, full, isOwn } = targetsOf(sender, name, names);
  const site = targets.length > 0 ? undefined : siteCalled(text, names);
  if (site !== undefined) {
    yield* followSite(site, input);
    return;
  }
  const made = targets.length > 0 ? undefined : outside.find((one) => isOutside(one, full));
  if (made !== undefined) {
    const records = made.entries.map((entry) => `${entry.type} ${entry.value}`).join(', ');
    yield sound('answer', `${full} was added by an operator: ${records}`);
    yield sound('port', 'what listens there runs outside the cluster');
    return;
  }
  if (targets.length === 0) {
    const apart = instances.find(
      (one) => one.deployment === sender.deployment && [dnsName(one.service), dnsName(one.name)].includes(dnsName(name)),
    );
    if (apart !== undefined) yield inNoNetwork('network', apart.name);
    const known = [...new Set(names.filter((one) => one.deployment === sender.deployment).map((one) => one.service))].toSorted();
    yield broken(
      'answer',
      `nothing is called ${full}`,
      `${sender.deployment} has the services ${known.join(', ')}; start it, or call it by its name`,
    );
    return;
  }
  const answers = answering(targets, isOwn);
  const noneIsReady = answers.some((one) => one.ready) ? '' : ' (not healthy, but no other instance is)';
  if (answers.length > 0) yield sound('answer', `${full} is ${behindOne(sender, answers, isOwn)}${noneIsReady}`);
  for (const one of answers.length > 0 ? [] : targets) {
    const found = instances.find((instance) => instance.id === one.container);
    if (hosts.find((host) => host.name === one.host)?.state !== 'alive') continue;
    if (found?.health !== undefined && found.health !== 'healthy')
      yield broken(
        'health',
        `${one.name} is ${found.health}, so DNS leaves it out`,
        `docker inspect -f '{{json .State.Health}}' ${one.name} shows what its check said`,
      );
    else
      yield broken('instance', `${one.name} ${idleness(one)}`, `docker start ${one.name}; docker logs ${one.name} may say why it stopped`);
  }

  const asked = answers.length > 0 ? answers : targets;
  for (const host of new Set([sender.host, ...asked.map((one) => one.host)])) {
    const report = hosts.find((one) => one.name === host);
    if (report?.state !== 'alive')
      yield broken(
        'host',
        `host ${host} is ${report?.state ?? 'unknown'}: ${report?.why ?? 'no messages from its agent'}`,
        `is the agent running there, and does it reach a scheduler? its log says why`,
      );
    else if (silent.has(host))
      yield broken(
        'host',
        `host ${host} does not answer: ${silent.get(host)}; it is called down if that lasts`,
        'is it up, and can a scheduler reach it? what can start elsewhere does so once it is called down',
      );
    else yield sound('host', `${host} is alive`);
  }
  for (const one of answers) if (one.state === 'paused') yield paused('instance', one.name);
  for (const one of asked) {
    const shared = Object.keys(one.addresses).filter((network) => own.includes(network));
    if (shared.length === 0) {
      const [theirs = ''] = Object.keys(one.addresses);
      yield broken(
        'network',
        `${sender.name} and ${one.name} share no network`,
        `docker network connect ${networkName(theirs)} ${sender.name}, or give both services one network`,
      );
    } else
      yield sound(
        'network',
        `${sender.name} and ${one.name} are both in ${shared.map((id) => `${networkName(id)}${encryptionOf(id, [sender.host, one.host])}`).join(', ')}`,
      );
  }
  for (const one of asked) {
    const rules = one.deployment === sender.deployment || one.allowFrom === undefined ? undefined : parseAllowFrom(one.allowFrom);
    if (rules === undefined) continue;
    const caller = `${sender.deployment}/${sender.service}`;
    if (allows(rules, sender, port))
      yield sound('allowed', `${one.name} lets ${caller} in: its label arpanet.allow-from is ${one.allowFrom}`);
    else
      yield broken(
        'allowed',
        `${one.name} is called by ${one.allowFrom === 'none' ? 'no other deployment' : `${one.allowFrom} alone`} beside its own deployment: that is its label arpanet.allow-from`,
        `add ${caller}${port === undefined ? '' : `:${port}`} to the label of ${one.deployment}/${one.service}, and create it again`,
      );
  }
  const touched = new Set([sender.host, ...asked.map((one) => one.host)]);
  const matters = findings.filter(
    ({ where, host }) => (where === 'network' || where === 'names') && (host === undefined || touched.has(host)),
  );
  for (const finding of matters.filter(({ isMtu }) => isMtu !== true))
    yield broken('kernel', `${finding.host ?? 'cluster'}: ${finding.what}`, 'arpanet audit --fix repairs it');
  yield sound('kernel', `bridges, VXLAN, forwarding entries and name tables of ${[...touched].join(', ')} are correct`);
  for (const finding of matters.filter(({ isMtu }) => isMtu === true))
    yield broken(
      'mtu',
      `${finding.host ?? 'cluster'}: ${finding.what}`,
      'give the hosts’ links one MTU, then create the network again: "docker compose down" and "up"; a network keeps the MTU of its creation',
    );
  if (touched.size > 1) yield sound('mtu', `packets of the containers' MTU pass between ${[...touched].join(', ')}`);

  const nameOf = (container: string) => asked.find((one) => one.container === container)?.name ?? container.slice(0, 12);
  for (const call of dialled) {
    const where = `${nameOf(call.container)} at ${call.address}:${call.port}`;
    if (call.outcome === 'open') yield sound('port', `${where} accepts connections from ${call.host}`);
    else if (call.outcome === 'refused')
      yield broken(
        'port',
        `${where} refuses connections: nothing listens on that port of that address`,
        `does the program listen on 0.0.0.0, and not on 127.0.0.1 or another port? docker exec ${nameOf(call.container)} netstat -ltn`,
      );
    else if (near.some((one) => one.address === call.address && one.port === call.port && one.outcome === 'silent'))
      yield broken(
        'port',
        `${where} does not answer (${call.why}), not even to its own host ${call.targetHost}`,
        `does a firewall in ${nameOf(call.container)} or on ${call.targetHost} drop what is sent to that port?`,
      );
    else
      yield broken(
        'port',
        `${where} does not answer (${call.why}): packets from ${call.host} are lost`,
        `does a firewall on ${[...touched].join(' or ')} stop UDP port 4789 (VXLAN)?`,
      );
  }
  if (dialled.length === 0 && port === undefined)
    yield sound('port', `${targets[0]?.service ?? ''} exposes no TCP port: name the one that is called, ${name}:PORT, to try it`);
}

/** From a port that every host answers for to the instances behind it. */
function* followPort({ host, port, protocol, targets }: PublishedPort, { hosts, findings, dialled = [] }: DoctorInput): Generator<Link> {
  const [first] = targets;
  if (first === undefined) {
    const fix =
      'docker service create --publish, or the label arpanet.ingress; a port that a container publishes on its own host is called at that host';
    yield broken('answer', `no service has port ${port} on every host`, fix);
    return;
  }
  const service = `${first.deployment}/${first.service}`;
  const ready = answering(targets, false);
  if (ready.length === 0)
    yield broken('instance', `${service} has port ${port}, and none of its instances is ready`, `arpanet ps ${service}`);
  else yield sound('answer', `port ${port} of every host leads to ${ready.map((one) => `${one.name} on ${one.host}`).join(', ')}`);
  const touched = new Set([host.name, ...ready.map((one) => one.host)]);
  for (const name of touched) {
    const report = hosts.find((one) => one.name === name);
    if (report?.state === 'alive') yield sound('host', `${name} is alive`);
    else
      yield broken(
        'host',
        `host ${name} is ${report?.state ?? 'unknown'}: ${report?.why ?? 'no messages from its agent'}`,
        'is the agent running there, and does it reach a scheduler? its log says why',
      );
  }
  for (const { host: on, what } of findings.filter((one) => one.where === 'network' && (one.host === undefined || touched.has(one.host))))
    yield broken(
      'kernel',
      `${on ?? 'cluster'}: ${what}`,
      'arpanet audit --fix repairs what is the cluster’s own; rules of others are theirs to change',
    );
  yield sound('kernel', `the rules of published ports of ${[...touched].join(', ')} are correct`);
  if (protocol === 'udp') yield sound('port', `port ${port} is published for UDP alone: whether a program answers there is not tried`);
  yield* answersOf(
    dialled,
    ready,
    `port ${port} leads`,
    (name, port) => `does the program listen on 0.0.0.0 and on ${port}? docker exec ${name} netstat -ltn`,
  );
}

/** Addresses that a sender gets; of a service with one address that, and where its kernel leads it. */
function behindOne(sender: NamedInstance, answers: readonly NamedInstance[], isOwn: boolean): string {
  const addresses = answers.map((one) => addressFor(sender, one) ?? '').join(', ');
  const [vip, ...others] = new Set(answers.map((one) => one.vips?.[sharedNetwork(sender, one) ?? '']));
  const isOne = vip !== undefined && others.length === 0 && !isOwn;
  return isOne ? `${vip}, which the kernel of ${sender.name} leads to ${addresses}` : addresses;
}

/** As the Engine's clients name an instance that the name table lacks. */
const calledAs = ({ id, ...one }: DoctorInput['instances'][number]) => ({ ...one, container: id });

const inNoNetwork = (link: Link['link'], name: string): Link =>
  broken(link, `${name} is in no network of the cluster: it has no address and no names`, `docker network connect NETWORK ${name}`);
const paused = (link: Link['link'], name: string): Link =>
  broken(link, `${name} is paused: its program does nothing, though its ports accept connections`, `docker unpause ${name}`);
const isUp = (state: string) => state.startsWith('Up') || state === 'running';
