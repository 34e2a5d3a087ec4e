/**
 * The published schemas as functions. To compile them takes longer than all else of `arpanet deploy`: the build does it once
 * (scripts/build.mjs), and puts what comes out in this module's place (`#compose-validators`).
 */
import { Ajv, type CodeOptions, type ValidateFunction } from 'ajv';
import fig from './schema/fig-v1.json' with { type: 'json' };
import spec from './schema/compose-spec.json' with { type: 'json' };

/** The format of a file: fig's (compose 1) or the compose spec's. */
export type Form = 'fig' | 'spec';

/** Times, ports and sizes are read by values.ts, which says more of them than a format can. */
const FORMATS = { duration: true, ports: true, expose: true, subnet_ip_address: true } as const;

/** Both schemas, each by its name. */
export function compilerOf(code: CodeOptions = {}): Ajv {
  return new Ajv({ allErrors: true, verbose: true, strict: false, formats: FORMATS, code })
    .addSchema(plain(fig) as object, 'fig')
    .addSchema(plain(spec) as object, 'spec');
}

let compiler: Ajv | undefined;

export function validatorOf(form: Form): ValidateFunction {
  compiler ??= compilerOf();
  return compiler.getSchema(form) as ValidateFunction;
}

/** Drafts differ in how a schema names itself; these two name nothing from outside. */
function plain(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(plain);
  if (typeof schema !== 'object' || schema === null) return schema;
  const isName = (key: string, value: unknown) => ['$schema', '$id', 'id'].includes(key) && typeof value === 'string';
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => !isName(key, value))
      .map(([key, value]) => [key, plain(value)]),
  );
}
