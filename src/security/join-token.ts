/** The join token as it is handed over: with the fingerprint of the cluster's CA, so that a host knows whom it joins (pure). Source: swarmkit's SWMTKN form, for the idea. */

const FORM = /^ARPTKN-1-([0-9a-f]{64})-(.+)$/;

/** What a token has. */
export interface JoinToken {
  readonly secret: string;
  /** SHA-256 of a CA's certificate; undefined: a token of a cluster without TLS. */
  readonly fingerprint: string | undefined;
}

/** `ARPTKN-1-FINGERPRINT-SECRET`. */
export const writeJoinToken = (secret: string, fingerprint: string): string => `ARPTKN-1-${fingerprint}-${secret}`;

/** Any other text is a secret by itself. */
export function readJoinToken(text: string): JoinToken {
  const [, fingerprint, secret] = FORM.exec(text) ?? [];
  return { secret: secret ?? text, fingerprint };
}
