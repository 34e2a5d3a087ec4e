/** Bodies about networks and volumes, as moby's Go structs have them: api/types/network and volume of v28 (API 1.51). */
import type { GoFields, GoTypes } from './types.ts';

const VOLUME: GoFields = { Name: 'string', Driver: 'string', DriverOpts: 'map[string]string', Labels: 'map[string]string' };

export const NETWORK_TYPES: GoTypes = {
  'types.NetworkCreateRequest': {
    Name: 'string',
    CheckDuplicate: 'bool',
    Driver: 'string',
    Scope: 'string',
    EnableIPv4: '*bool',
    EnableIPv6: '*bool',
    IPAM: '*network.IPAM',
    Internal: 'bool',
    Attachable: 'bool',
    Ingress: 'bool',
    ConfigOnly: 'bool',
    ConfigFrom: '*network.ConfigReference',
    Options: 'map[string]string',
    Labels: 'map[string]string',
  },
  'types.NetworkConnect': { Container: 'string', EndpointConfig: '*network.EndpointSettings' },
  'types.NetworkDisconnect': { Container: 'string', Force: 'bool' },

  'network.IPAM': { Driver: 'string', Options: 'map[string]string', Config: '[]network.IPAMConfig' },
  'network.IPAMConfig': { Subnet: 'string', IPRange: 'string', Gateway: 'string', AuxiliaryAddresses: 'map[string]string' },
  'network.ConfigReference': { Network: 'string' },
  'network.NetworkingConfig': { EndpointsConfig: 'map[string]*network.EndpointSettings' },
  'network.EndpointSettings': {
    IPAMConfig: '*network.EndpointIPAMConfig',
    Links: '[]string',
    Aliases: '[]string',
    MacAddress: 'string',
    DriverOpts: 'map[string]string',
    GwPriority: 'int',
    NetworkID: 'string',
    EndpointID: 'string',
    Gateway: 'string',
    IPAddress: 'string',
    IPPrefixLen: 'int',
    IPv6Gateway: 'string',
    GlobalIPv6Address: 'string',
    GlobalIPv6PrefixLen: 'int',
    DNSNames: '[]string',
  },
  'network.EndpointIPAMConfig': { IPv4Address: 'string', IPv6Address: 'string', LinkLocalIPs: '[]string' },

  /** As Engines before 23.0 call it. */
  'volume.VolumeCreateBody': VOLUME,
  'volume.CreateOptions': {
    ...VOLUME,
    ClusterVolumeSpec: '*volume.ClusterVolumeSpec',
  },
  'volume.ClusterVolumeSpec': {
    Group: 'string',
    AccessMode: '*volume.AccessMode',
    AccessibilityRequirements: '*volume.TopologyRequirement',
    CapacityRange: '*volume.CapacityRange',
    Secrets: '[]volume.Secret',
    Availability: 'volume.Availability',
  },
  'volume.AccessMode': { Scope: 'string', Sharing: 'string', MountVolume: '*volume.TypeMount', BlockVolume: '*volume.TypeBlock' },
  'volume.TypeMount': { FsType: 'string', MountFlags: '[]string' },
  'volume.TypeBlock': {},
  'volume.TopologyRequirement': { Requisite: '[]volume.Topology', Preferred: '[]volume.Topology' },
  'volume.Topology': { Segments: 'map[string]string' },
  'volume.CapacityRange': { RequiredBytes: 'int64', LimitBytes: 'int64' },
  'volume.Secret': { Key: 'string', Secret: 'string' },
  'volume.Availability': 'string',
};
