/**
 * A program that does nothing until it is killed, for a container that exists for its network alone: as small as an ELF file can well be, as a host
 * need not have any image with a program in it. Pure. Source: the ELF-64 object file format, version 1.5; Linux syscall tables of both architectures.
 */

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const BASE = 0x400000n;

interface Machine {
  /** `e_machine` */
  readonly id: number;
  readonly code: readonly number[];
}

/** Words of a little-endian machine. */
const words = (...all: readonly number[]): readonly number[] =>
  all.flatMap((word) => [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, (word >>> 24) & 0xff]);

const MACHINES: ReadonlyMap<string, Machine> = new Map([
  // mov eax, 34 (pause); syscall; jmp back
  ['amd64', { id: 62, code: [0xb8, 0x22, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7] }],
  // x8 = 73 (ppoll), x0 to x3 = 0; svc 0; b back
  ['arm64', { id: 183, code: words(0xd2800928, 0xd2800000, 0xd2800001, 0xd2800002, 0xd2800003, 0xd4000001, 0x17fffffa) }],
]);

/** The program for an architecture in Go's words; undefined: there is none for it. */
export function idleProgram(arch: string): Buffer | undefined {
  const machine = MACHINES.get(arch);
  if (machine === undefined) return undefined;
  const start = HEADER_BYTES + SEGMENT_BYTES;
  const size = start + machine.code.length;
  const file = Buffer.alloc(size);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(2, 16); // executable
  file.writeUInt16LE(machine.id, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BASE + BigInt(start), 24);
  file.writeBigUInt64LE(BigInt(HEADER_BYTES), 32); // of the segments
  file.writeUInt16LE(HEADER_BYTES, 52);
  file.writeUInt16LE(SEGMENT_BYTES, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, HEADER_BYTES); // to be loaded
  file.writeUInt32LE(5, HEADER_BYTES + 4); // to read and to run
  file.writeBigUInt64LE(BASE, HEADER_BYTES + 16);
  file.writeBigUInt64LE(BASE, HEADER_BYTES + 24);
  file.writeBigUInt64LE(BigInt(size), HEADER_BYTES + 32);
  file.writeBigUInt64LE(BigInt(size), HEADER_BYTES + 40);
  file.writeBigUInt64LE(0x10000n, HEADER_BYTES + 48);
  file.set(machine.code, start);
  return file;
}
