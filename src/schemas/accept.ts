/** The one place where a checked value gets its type. Pure. */
import type { z } from 'zod';
import { ArpanetError } from '../model/errors.ts';

/** `value` itself, not a copy. Throws `invalid`: `WHAT: PLACE: REASON`. */
export function accept<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const fault = faultOf(schema, value);
  if (fault !== undefined) throw new ArpanetError('invalid', `${what}: ${fault}`);
  return value as T;
}

/** True if the value fits the schema. */
export function accepts<T>(schema: z.ZodType<T>, value: unknown): value is T {
  return schema.safeParse(value).success;
}

/** `containers.0.inspect.Name: expected string, received null`; undefined if the value fits. */
export function faultOf(schema: z.ZodType, value: unknown): string | undefined {
  const [issue] = schema.safeParse(value).error?.issues ?? [];
  if (issue === undefined) return undefined;
  const place = issue.path.map(String).join('.');
  const reason = issue.message.replace(/^Invalid input: /, '');
  return place === '' ? reason : `${place}: ${reason}`;
}
