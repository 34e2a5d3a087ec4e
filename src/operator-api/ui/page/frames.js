// The parts of a stream of frames: 8 bytes of head, of which the last four are a length, then the part (Docker API, containers/{id}/attach).

/** Takes what comes, and gives the whole parts of it. */
export function framesOf() {
  let held = new Uint8Array(0);
  return (value) => {
    const bytes = new Uint8Array(held.length + value.length);
    bytes.set(held);
    bytes.set(value, held.length);
    const parts = [];
    let at = 0;
    while (bytes.length - at >= 8) {
      const length = new DataView(bytes.buffer, at + 4, 4).getUint32(0);
      if (bytes.length - at - 8 < length) break;
      parts.push(bytes.subarray(at + 8, at + 8 + length));
      at += 8 + length;
    }
    held = bytes.slice(at);
    return parts;
  };
}
