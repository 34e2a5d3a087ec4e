/** Schemas of Docker's objects, as far as arpanet reads them (Engine API 1.24 to 1.51). Pure. */
import { z } from 'zod';
import type {
  ContainerInspect,
  ContainerSummary,
  CreateRequest,
  EndpointSettings,
  EngineEvent,
  HostConfig,
  ImageSummary,
  VolumeSummary,
} from '../model/docker.ts';
import { anyMap, filled, flag, id, nullable, number, optional, port, seconds, text, textMap, texts } from './fields.ts';

export const endpointSettings: z.ZodType<EndpointSettings> = z.looseObject({
  IPAMConfig: nullable(z.looseObject({ IPv4Address: optional(text), IPv6Address: optional(text), LinkLocalIPs: optional(texts) })),
  Links: nullable(texts),
  Aliases: nullable(texts),
  MacAddress: optional(text),
  NetworkID: optional(text),
  EndpointID: optional(text),
  Gateway: optional(text),
  IPAddress: optional(text),
  IPPrefixLen: optional(number),
  GlobalIPv6Address: optional(text),
  GlobalIPv6PrefixLen: optional(number),
  DNSNames: nullable(texts),
  DriverOpts: nullable(textMap),
});

const mount = z.looseObject({ Type: optional(text), Source: optional(text), Target: optional(text) });
const portBinding = z.looseObject({ HostIp: optional(text), HostPort: optional(text) });

export const hostConfig: z.ZodType<HostConfig> = z.looseObject({
  NetworkMode: optional(text),
  Binds: nullable(texts),
  Mounts: nullable(z.array(mount)),
  VolumesFrom: nullable(texts),
  VolumeDriver: optional(text),
  Links: nullable(texts),
  Dns: nullable(texts),
  DnsSearch: nullable(texts),
  DnsOptions: nullable(texts),
  IpcMode: optional(text),
  PidMode: optional(text),
  PortBindings: nullable(z.record(z.string(), z.nullable(z.array(portBinding)))),
  PublishAllPorts: optional(flag),
  Memory: optional(number),
  MemoryReservation: optional(number),
  NanoCpus: optional(number),
  CpuQuota: optional(number),
  CpuPeriod: optional(number),
  AutoRemove: optional(flag),
});

export const createRequest: z.ZodType<CreateRequest> = z.looseObject({
  Image: optional(text),
  Hostname: optional(text),
  Env: nullable(texts),
  Labels: nullable(textMap),
  Healthcheck: nullable(z.looseObject({ Test: optional(texts) })),
  ExposedPorts: nullable(anyMap),
  Volumes: nullable(anyMap),
  HostConfig: nullable(hostConfig),
  NetworkingConfig: nullable(z.looseObject({ EndpointsConfig: nullable(z.record(z.string(), z.nullable(endpointSettings))) })),
});

const portMapping = z.looseObject({ IP: optional(text), PrivatePort: port, PublicPort: optional(port), Type: text });
const mountPoint = z.looseObject({ Type: optional(text), Name: optional(text), Source: optional(text), Destination: optional(text) });
const networks = nullable(z.record(z.string(), endpointSettings));

/** One element of `GET /containers/json`. */
export const containerSummary: z.ZodType<ContainerSummary> = z.looseObject({
  Id: id,
  Names: z.array(filled).min(1),
  Image: text,
  ImageID: text,
  Created: seconds,
  State: text,
  Status: text,
  Labels: textMap,
  Ports: optional(z.array(portMapping)),
  HostConfig: optional(z.looseObject({ NetworkMode: optional(text) })),
  NetworkSettings: optional(z.looseObject({ Networks: networks })),
  Mounts: optional(z.array(mountPoint)),
});

/** `GET /containers/{id}/json`. */
export const containerInspect: z.ZodType<ContainerInspect> = z.looseObject({
  Id: id,
  Name: filled,
  Created: text,
  Image: text,
  RestartCount: optional(number),
  State: z.looseObject({
    Status: text,
    Running: flag,
    Paused: flag,
    Restarting: flag,
    Dead: flag,
    ExitCode: number,
    StartedAt: text,
    FinishedAt: text,
    Health: nullable(z.looseObject({ Status: text })),
  }),
  Config: createRequest,
  HostConfig: hostConfig,
  NetworkSettings: z.looseObject({ Networks: networks }),
  Mounts: optional(z.array(mountPoint)),
});

/** One element of `GET /images/json`. */
export const imageSummary: z.ZodType<ImageSummary> = z.looseObject({
  Id: id,
  RepoTags: z.nullable(texts),
  RepoDigests: z.nullable(texts),
  Created: seconds,
  Size: z.int(),
  Labels: nullable(textMap),
});

/** One element of `GET /volumes`. */
export const volumeSummary: z.ZodType<VolumeSummary> = z.looseObject({
  Name: filled,
  Driver: text,
  Mountpoint: optional(text),
  Labels: nullable(textMap),
  Options: nullable(textMap),
  Scope: optional(text),
  CreatedAt: optional(text),
});

/** One line of `GET /events`. */
export const engineEvent: z.ZodType<EngineEvent> = z.looseObject({
  Type: filled,
  Action: filled,
  Actor: z.looseObject({ ID: text, Attributes: textMap }),
  scope: optional(text),
  time: number,
  timeNano: number,
  id: optional(text),
  status: optional(text),
  from: optional(text),
});
