/**
 * The limits of a transaction. Consul counts operations and the bytes of the request body, base64 values included; every implementation
 * counts the same. Source: Consul agent/txn_endpoint.go, maxTxnOps and txn_max_req_len. Pure.
 */
import { ArpanetError } from '../model/index.ts';
import type { Operation } from './contract.ts';

export const MAX_OPERATIONS = 64;
export const MAX_BYTES = 512 * 1024;
/** LMDB takes 1,978 (https://github.com/kriszyp/lmdb-js, maxKeySize); a longer one fails as if the disk were full. */
const MAX_KEY_BYTES = 1024;
/** Bytes of the body around each operation, and for the fence. */
const FRAME_BYTES = 128;

/** An operation with its value encoded. */
export interface EncodedOperation {
  readonly operation: Operation;
  /** JSON; empty when the operation carries no value. */
  readonly json: string;
  /** Its part of MAX_BYTES. */
  readonly bytes: number;
}

/** Throws `invalid` if the value is no JSON, or the key one that no store takes. */
export function encode(operation: Operation): EncodedOperation {
  const keyBytes = Buffer.byteLength(operation.key);
  if (keyBytes > MAX_KEY_BYTES || operation.key.includes('\0')) {
    const why = keyBytes > MAX_KEY_BYTES ? `has ${keyBytes} bytes: ${MAX_KEY_BYTES} at most` : 'has a NUL in it';
    throw new ArpanetError('invalid', `a name cannot be kept: its key ${JSON.stringify(operation.key.slice(0, 60))}… ${why}`);
  }
  const json = operation.op === 'set' || operation.op === 'cas' ? toJson(operation.key, operation.value) : '';
  return { operation, json, bytes: bytesOf(operation.key, json) };
}

/** Throws `too-large` if they do not fit into one transaction, `invalid` for a value that is no JSON. */
export function encodeAll(operations: readonly Operation[], fenced: boolean): readonly EncodedOperation[] {
  const most = fenced ? MAX_OPERATIONS - 1 : MAX_OPERATIONS;
  if (operations.length > most) {
    throw new ArpanetError('too-large', `a transaction of ${operations.length} operations: the state store takes ${most} at most`);
  }
  const encoded = operations.map(encode);
  const bytes = encoded.reduce((sum, each) => sum + each.bytes, FRAME_BYTES);
  if (bytes > MAX_BYTES) throw new ArpanetError('too-large', `a transaction of ${bytes} bytes: the state store takes ${MAX_BYTES} at most`);
  return encoded;
}

function toJson(key: string, value: unknown): string {
  const json: string | undefined = JSON.stringify(value);
  if (json === undefined) throw new ArpanetError('invalid', `the value for ${key} is not JSON`);
  return json;
}

function bytesOf(key: string, json: string): number {
  return FRAME_BYTES + Buffer.byteLength(key) + Math.ceil(Buffer.byteLength(json) / 3) * 4;
}
