/** Secrets and configs: small files that are kept in the store and put into the containers of services that name them. */

export type SecretKind = 'secret' | 'config';

/** `arpanet/kept/<kind>/<id>` */
export interface SecretRecord {
  readonly kind: SecretKind;
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Base64. */
  readonly data: string;
  /** Grows with every change of its labels; the data never changes. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** One of them as a file in a container: the label `arpanet.files` has a list of these, as JSON. */
export interface SecretFile {
  readonly kind: SecretKind;
  readonly id: string;
  /** Absolute. */
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}
