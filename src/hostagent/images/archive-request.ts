/** `POST /image` of an engine gateway: an image's archive, without layers that the reader has. Pure. */
import { z } from 'zod';

const shape = z.looseObject({
  reference: z.string().min(1).max(4_096),
  /** `sha256:…` */
  without: z.array(z.string().regex(/^sha256:[0-9a-f]{64}$/)).max(256),
});

export interface ArchiveRequest {
  readonly reference: string;
  readonly without: readonly string[];
}

/** Undefined: it is none. */
export function archiveRequest(body: Buffer): ArchiveRequest | undefined {
  try {
    const { data } = shape.safeParse(JSON.parse(body.toString()));
    return data === undefined ? undefined : { reference: data.reference, without: data.without };
  } catch {
    return undefined;
  }
}
