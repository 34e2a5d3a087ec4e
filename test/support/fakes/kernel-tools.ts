/** The kernel's tools as a test has them: shell scripts, found before the real ones by the commands that this process starts. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endShells } from '../../../src/hostagent/overlay/run.ts';

/** By name, what each does; `$D` is a folder for what they keep. They are found from `use` to `remove`. */
export function fakeTools(programs: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'arpanet-tools-'));
  const said = join(folder, 'calls');
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\nD='${folder}'\necho "${name} $*" >>"$D/calls"\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  const path = process.env['PATH'];
  return {
    folder,
    use: (): void => {
      endShells();
      process.env['PATH'] = `${folder}:${path}`;
    },
    /** Since the last look: `ip link set arw0 up`. */
    calls(): readonly string[] {
      const lines = existsSync(said) ? readFileSync(said, 'utf8').trim().split('\n') : [];
      rmSync(said, { force: true });
      return lines;
    },
    /** A file of `$D`. */
    put: (name: string, text: string): void => writeFileSync(join(folder, name), text),
    remove: (): void => {
      endShells();
      process.env['PATH'] = path;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
