/** Schemas of single members. Pure. */
import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import { parseSubnet } from '../text/ipv4.ts';
import { HOST_NAME_FORM, isHostName } from '../text/names.ts';

/** Highest epoch accepted: 2^48, far below the safe integers (2^53), so that no number of elections leaves them. */
export const MAX_EPOCH = 2 ** 48;
/** How much higher than the known epoch another one may be. One election raises it by 1; a backup may be many elections old. */
export const MAX_EPOCH_STEP = 1_000_000;

/** Any text, also none. */
export const text = z.string();
export const filled = z.string().min(1);
export const flag = z.boolean();
export const number = z.number();
/** 0 and above. */
export const amount = z.number().min(0);
/** A whole number from 0 to 2^53 - 1. */
export const count = z.int().min(0);
/** Whole seconds since 1970, as far as a Date reaches; Go's zero time is negative. */
export const seconds = z.int().min(-8.64e12).max(8.64e12);
export const epoch = z.int().min(0).max(MAX_EPOCH);
export const texts = z.array(z.string());
export const textMap = z.record(z.string(), z.string());
export const anyMap = z.record(z.string(), z.unknown());
/** An object whose members are not looked at. */
export const object = z.looseObject({});

/** Ids of containers, images, networks and the like: they become parts of paths, of file names, and words of commands. */
export const id = z.string().regex(/^[\w][\w.:-]{0,254}$/, 'not an id');
/** A host's name: a label of DNS names, in lower case. */
export const hostName = z.string().refine(isHostName, `not a host name: use ${HOST_NAME_FORM}`);
export const ipv4 = z.string().refine(isIPv4, 'not an IPv4 address');
export const ipv6 = z.string().refine(isIPv6, 'not an IPv6 address');
export const cidr = z.string().refine((value) => parseSubnet(value) !== undefined, 'not an IPv4 subnet');
/** `HOST:PORT`, with an IPv6 address in brackets. */
export const hostPort = z.string().regex(/^(?:[\w.-]+|\[[\da-fA-F:.]+\]):\d{1,5}$/, 'not HOST:PORT');
/** `PORT` of TCP or UDP; 0: none. */
export const port = z.int().min(0).max(65_535);
/** Of the VXLAN header: 1 to 2^24 - 1. */
export const vni = z
  .int()
  .min(1)
  .max(2 ** 24 - 1);

/** May be absent or null, as Go's empty lists and maps are. */
export const nullable = <T extends z.ZodType>(schema: T) => z.exactOptional(z.nullable(schema));
/** May be absent. */
export const optional = <T extends z.ZodType>(schema: T) => z.exactOptional(schema);
