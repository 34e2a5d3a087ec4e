/** Parsers for settings, with the message for text that they cannot parse. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { parseDurationMs } from '../text/duration.ts';
import { parseSize } from '../text/size.ts';
import { afterScheme, parseHostPort } from '../text/host-port.ts';
import { parseSubnet } from '../text/ipv4.ts';
import type { AskedAddress } from '../security/index.ts';
import { HOST_NAME_FORM, isHostName } from '../text/names.ts';

/** A value parsed from text; `parse` gives undefined when the text is not of the form that `form` describes. */
function parsed<T>(form: string | ((text: string) => string), parse: (text: string) => T | undefined) {
  return z.union([z.string(), z.number().transform(String)]).transform((text, context): T => {
    const value = parse(text.trim());
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: `"${text}" is not ${typeof form === 'string' ? form : form(text)}` });
    return z.NEVER;
  });
}

const list = z.union([z.array(z.union([z.string(), z.number()]).transform(String)), z.string()]);

function itemsOf(given: string | readonly string[]): (string | number)[] {
  return (typeof given === 'string' ? [given] : given)
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter(Boolean);
}

const inScheme = (scheme: string) => (text: string) => {
  const rest = afterScheme(text, scheme);
  return rest === undefined ? undefined : parseHostPort(rest);
};

const FORMS: Readonly<Record<string, string>> = {
  unix: 'of the form unix:///PATH?mode=0660&group=NAME',
  tls: 'of the form tls://ADDR:PORT',
};
const formOf = (text: string): string => FORMS[/^\s*(\w+):\/\//.exec(text)?.[1] ?? ''] ?? 'of the form tcp://ADDR:PORT';

const listenUrl = parsed(formOf, (text): AskedAddress | undefined => {
  for (const scheme of ['tcp', 'tls'] as const) {
    const address = inScheme(scheme)(text);
    if (address !== undefined) return { scheme, ...address };
  }
  return socketUrl(text);
});

/** `unix:///run/arpanet.sock?mode=0660&group=docker` */
function socketUrl(text: string): AskedAddress | undefined {
  const [, path, search = ''] = /^unix:\/\/(\/[^?]+)(?:\?(.*))?$/.exec(text) ?? [];
  const query = new URLSearchParams(search);
  const mode = query.get('mode') ?? '0660';
  if (path === undefined || !/^0?[0-7]{3}$/.test(mode)) return undefined;
  if ([...query.keys()].some((key) => key !== 'mode' && key !== 'group')) return undefined;
  return { scheme: 'unix', path, mode: Number.parseInt(mode, 8), group: query.get('group') ?? undefined };
}

/** The first TCP address, and all that were given where it is not alone and plain. */
export const listenUrls = list
  .transform(itemsOf)
  .pipe(z.array(listenUrl))
  .transform((asked, context) => {
    const first = asked.find((one) => 'host' in one);
    if (first !== undefined && 'host' in first) {
      const { host, port } = first;
      return { host, port, ...(asked.length === 1 && first.scheme === 'tcp' ? {} : { all: asked }) };
    }
    context.addIssue({ code: 'custom', message: 'needs an address of the form tcp://ADDR:PORT, for agents and other schedulers' });
    return z.NEVER;
  });

export const hostPort = parsed('of the form ADDR:PORT', (text) => parseHostPort(afterScheme(text, 'tcp') ?? text));
export const dnsServer = parsed('of the form ADDR or ADDR:PORT', (text) => parseHostPort(text, 53));

/** As given, without a slash at its end. */
export const httpUrl = parsed('of the form https://ADDR:PORT or http://ADDR:PORT', (text) => {
  const url = inScheme(text.startsWith('https:') ? 'https' : 'http')(text);
  return url === undefined || url.port === 0 ? undefined : text.replace(/\/$/, '');
});

/** `consul://HOST:PORT` or `embedded:DIR`, parsed. */
export const storeUrl = parsed('of the form consul://HOST:PORT or embedded:DIR', (text) => {
  const consul = inScheme('consul')(text);
  if (consul !== undefined) return { kind: 'consul' as const, ...consul };
  const dir = text.startsWith('embedded:') ? text.slice('embedded:'.length).replace(/^\/\/(?=\/)/, '') : '';
  return dir === '' ? undefined : { kind: 'embedded' as const, dir };
});

export const engineUrl = parsed('of the form unix:///PATH or tcp://HOST:PORT', (text) => {
  const path = afterScheme(text, 'unix');
  if (path?.startsWith('/')) return { socketPath: path };
  return inScheme('tcp')(text);
});

/** `none` switches the setting off; absent, the command chooses. */
export const addressOrNone = parsed('an IP address, or none', (text) =>
  text === 'none' ? ('none' as const) : isIP(text) > 0 ? text : undefined,
);

export const dnsListen = parsed('of the form ADDR:PORT, or none', (text) => (text === 'none' ? ('none' as const) : parseHostPort(text)));

export const time = (leastMs: number, mostMs: number) =>
  parsed(`a time from ${leastMs / 1000}s to ${mostMs / 1000}s, such as 10s, 500ms or 2m`, (text) => {
    const ms = Math.round(parseDurationMs(text) ?? Number.NaN);
    return ms >= leastMs && ms <= mostMs ? ms : undefined;
  });

export const size = (leastBytes: number, mostBytes: number) =>
  parsed(`a size from ${leastBytes} to ${mostBytes} bytes, such as 4MiB or 512k`, (text) => {
    const bytes = parseSize(text);
    return bytes !== undefined && bytes >= leastBytes && bytes <= mostBytes ? bytes : undefined;
  });

export const count = (least: number, most: number) =>
  parsed(`a whole number from ${least} to ${most}`, (text) =>
    /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : undefined,
  );

/** With up to three places after the point. */
export const ratio = (least: number, most: number) =>
  parsed(`a number from ${least} to ${most}, such as 1.5`, (text) =>
    /^\d{1,4}(?:\.\d{1,3})?$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : undefined,
  );

export const ip = parsed('an IPv4 address', (text) => (isIP(text) === 4 ? text : undefined));

/** With room for at least one network: `/28` and shorter. */
export const pool = parsed('an IPv4 range such as 10.32.0.0/12, from /8 to /28, that begins at its first address', (text) => {
  const subnet = parseSubnet(text);
  return subnet?.cidr === text && subnet.prefix >= 8 && subnet.prefix <= 28 ? text : undefined;
});

/** Of a scheduler: becomes part of store keys and file names. */
export const name = parsed('a name of 1 to 63 of a-z, A-Z, 0-9, - and ., beginning and ending with a letter or digit', (text) =>
  /^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,61}[a-zA-Z0-9])?$/.test(text) ? text : undefined,
);

/** As clients write it in a URL. */
export const hostPattern = parsed('a name such as docker.corp.example, or *.corp.example', (text) =>
  /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/i.test(text) ? text.toLowerCase() : undefined,
);

/** Of a host of the cluster. */
export const hostName = parsed(`a host's name: ${HOST_NAME_FORM}`, (text) => (isHostName(text) ? text : undefined));

export const text = parsed('a text that is not empty', (value) => (value === '' ? undefined : value));
export const oneOf = <const T extends string>(...words: readonly T[]) =>
  parsed(`one of ${words.join(', ')}`, (value) => words.find((word) => word === value));

/** A switch: `true`, `1` or `yes` in the environment. */
export const flag = z.union([
  z.boolean(),
  parsed('true or false', (value) => (/^(true|1|yes)$/i.test(value) ? true : /^(false|0|no|)$/i.test(value) ? false : undefined)),
]);

/** Several: a list, or one text separated by commas. */
const items = list.transform(itemsOf);

/** Of a flag that other commands take several times. */
export const single = <T>(item: z.ZodType<T, string | number>) => items.pipe(z.tuple([item], 'takes one only')).transform(([one]) => one);
export const several = <T>(item: z.ZodType<T, string | number>) => items.pipe(z.array(item));
export const atLeastOne = <T>(item: z.ZodType<T, string | number>) => items.pipe(z.array(item).min(1, 'needs at least one'));

/** `KEY=VALUE` several times; in YAML also a map. */
export const labelMap = z.union([
  z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)),
  list.transform((given, context) => {
    const pairs = (typeof given === 'string' ? given.split(',') : given).map((text) => text.trim()).filter(Boolean);
    const wrong = pairs.find((pair) => !/^[^=\s]+=/.test(pair));
    if (wrong !== undefined) context.addIssue({ code: 'custom', message: `"${wrong}" is not of the form KEY=VALUE` });
    return Object.fromEntries(pairs.map((pair): [string, string] => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
  }),
]);
