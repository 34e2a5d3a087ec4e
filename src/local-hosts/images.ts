/**
 * The two images that the examples use, busybox and redis: pulled if a registry answers, else built from Debian packages.
 * Effects: runs docker, apt-get download and tar.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ArpanetError } from '../model/index.ts';

const run = promisify(execFile);

const script = `
set -eu
out=$1; sock=$2; mkdir -p "$out"; work=$(mktemp -d "$out/work.XXXXXX"); trap 'rm -rf "$work"' EXIT
if timeout 8 docker -H "unix://$sock" pull -q busybox:latest >/dev/null 2>&1 && timeout 120 docker -H "unix://$sock" pull -q redis:latest >/dev/null 2>&1; then
  docker -H "unix://$sock" save busybox:latest redis:latest -o "$out/base.tar.new"; exit 0
fi
busybox=/bin/busybox
if ! [ -x $busybox ]; then
  (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download busybox-static && dpkg-deb -x busybox-static_*.deb .)
  busybox=$(find "$work" -path '*bin/busybox' -type f | head -1)
fi
b=$work/busybox; mkdir -p "$b/bin" "$b/etc" "$b/tmp" "$b/root" "$b/proc" "$b/sys" "$b/dev" "$b/var/www"
cp "$busybox" "$b/bin/busybox"; for a in $("$busybox" --list); do [ "$a" = busybox ] || ln -sf busybox "$b/bin/$a"; done
echo 'root:x:0:0:root:/root:/bin/sh' >"$b/etc/passwd"; echo 'root:x:0:' >"$b/etc/group"; chmod 1777 "$b/tmp"
r=$work/redis; mkdir -p "$r/debs"; cd "$r/debs"
libs=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances redis-tools | grep '^lib' | grep -v '<' | sort -u)
apt-get -qq -o APT::Sandbox::User=root download redis-server redis-tools libc6 $libs
for d in redis-*.deb lib*.deb; do dpkg-deb -x "$d" "$r"; done
cd /; rm -rf "$r/debs"; mkdir -p "$r/bin" "$r/etc" "$r/tmp" "$r/proc" "$r/sys" "$r/dev" "$r/data"
cp "$busybox" "$r/bin/busybox"; for a in sh cat sleep ping nslookup wget ls echo; do [ -e "$r/bin/$a" ] || ln -s busybox "$r/bin/$a"; done
cp /usr/bin/getent "$r/bin/getent"; echo 'hosts: files dns' >"$r/etc/nsswitch.conf"
echo 'root:x:0:0:root:/root:/bin/sh' >"$r/etc/passwd"; echo 'root:x:0:' >"$r/etc/group"; chmod 1777 "$r/tmp"
tar -C "$b" -c . | docker -H "unix://$sock" import -c 'CMD ["sh"]' - busybox:latest >/dev/null
tar -C "$r" -c . | docker -H "unix://$sock" import -c 'CMD ["redis-server","--protected-mode","no"]' - redis:latest >/dev/null
docker -H "unix://$sock" save busybox:latest redis:latest -o "$out/base.tar.new"
`;

/**
 * Loads busybox and redis into the engines that lack them. The images are made once and kept in `cache`, so that their ids are the same
 * everywhere (an import stamps the time into the id). Throws `unavailable` when no registry answers and they cannot be made.
 */
export async function provideImages(sockets: readonly string[], cache: string): Promise<void> {
  const [first] = sockets;
  if (first === undefined) return;
  const base = join(cache, 'base.tar');
  await mkdir(cache, { recursive: true });
  if (!existsSync(base)) {
    await run('sh', ['-c', script, 'make-images', cache, first], { maxBuffer: 1 << 24 }).catch((cause: unknown) => {
      throw new ArpanetError(
        'unavailable',
        'no registry answers, and the busybox and redis images cannot be made from Debian packages either: apt-get update may help',
        { cause },
      );
    });
    await rename(`${base}.new`, base);
  }
  await Promise.all(sockets.map((socket) => run('docker', ['-H', `unix://${socket}`, 'load', '-q', '-i', base])));
}
