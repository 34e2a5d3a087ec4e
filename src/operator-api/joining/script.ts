/** The script that machines join by, and the lines that run it. Effects: reads the script's text; the rest is pure. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What a scheduler knows of itself, for a machine that is to join. */
export interface Installer {
  /** Where the machine reaches it: `https://10.0.0.1:2376`. */
  readonly url: string;
  /** Of the key that it shows there, as curl's `--pinnedpubkey` has it: `sha256//…`; absent: no TLS. */
  readonly pin?: string;
  /** Of the package, in hex; absent: it has none. */
  readonly sha256?: string;
  readonly version: string;
}

/** Where an agent asks without a certificate; the names of the cluster's CA answer no stranger. */
const JOIN_NAME = 'join.arpanet.internal';
const PATH = '/arpanet/v1/join.sh';

/** The line that fetches the script and runs it with these words. */
export function scriptLine({ url, pin }: Pick<Installer, 'url' | 'pin'>, words: readonly string[]): string {
  const fetched =
    pin === undefined
      ? `curl -fsSL --noproxy '*' ${url}${PATH}`
      : `curl -fsSLk --noproxy '*' --pinnedpubkey '${pin}' --connect-to ::${new URL(url).host} https://${JOIN_NAME}${PATH}`;
  return `${fetched} | sudo sh -s -- ${words.join(' ')}`;
}

/** A word that a shell and the script take as it is. */
export const isPlainWord = (word: string): boolean => /^[A-Za-z0-9._:+/=][A-Za-z0-9._:+/=-]*$/.test(word);

/** What the script has of the cluster. */
export interface ScriptPlace {
  readonly schedulers: readonly string[];
  readonly pool: string;
  /** `consul://HOST:PORT`; absent: a store that no other scheduler reaches. */
  readonly store?: string;
  /** What the store asks of a scheduler beside its address (`a token`, `TLS`); absent: nothing. */
  readonly storeNeeds?: string;
  /** Its records are sealed with the cluster key. */
  readonly isSealed: boolean;
}

/** The script, with what this scheduler fills in. Throws for a value that is no plain word. */
export function joinScript(
  { url, pin = '', sha256 = '', version }: Installer,
  { schedulers, pool, store = '', storeNeeds = '', isSealed }: ScriptPlace,
): string {
  const values = {
    VERSION: version,
    SCHEDULER: url,
    PIN: pin,
    SCHEDULERS: schedulers.join(','),
    POOL: pool,
    SHA256: sha256,
    STORE: store,
    STORE_NEEDS: storeNeeds,
    SEALED: isSealed ? 'yes' : '',
  };
  return Object.entries(values).reduce((text, [name, value]) => {
    if (!/^[\w.:+/=,[\] -]*$/.test(value)) throw new Error(`${name} of the script has an unexpected character: ${value}`);
    return text.replace(`'@${name}@'`, () => `'${value}'`);
  }, read());
}

/** Beside the programs in the build (dist), beside this file in the source. */
function read(): string {
  const places = ['../join.sh', './join.sh'].map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return readFileSync(places.find((place) => existsSync(place)) ?? '', 'utf8');
}
