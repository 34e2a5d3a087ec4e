/** The files that arpanet adds to an image: the initrd's program, and what the system runs before its agent. Texts. */

/** The first program of a machine, run by busybox: it fetches the root file system into memory, and refuses one that is not what the kernel's command line says. */
export const INIT = String.raw`#!/bin/busybox sh
# Made by "arpanet boot build".
/bin/busybox mkdir -p /proc /sys /dev /run /tmp /root-image /writable /new
/bin/busybox mount -t proc proc /proc
/bin/busybox --install -s /bin
export PATH=/bin
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o mode=0755 run /run
say() { echo "arpanet: $1" >/dev/console; }
again() {
  say "$1"
  say 'the machine starts again in 20 s'
  sleep 20
  reboot -f
}
server='' root='' clock=0 card=''
for word in $(cat /proc/cmdline); do
  case $word in
  arpanet.server=*) server=${'$'}{word#*=} ;;
  arpanet.root=*) root=${'$'}{word#*=} ;;
  arpanet.clock=*) clock=${'$'}{word#*=} ;;
  BOOTIF=*) card=$(echo "${'$'}{word#BOOTIF=01-}" | tr A-F- a-f:) ;;
  esac
done
[ -n "$server" ] && [ -n "$root" ] && [ -n "$card" ] || again 'the kernel got no arpanet.server, arpanet.root and BOOTIF: it is started by "arpanet boot" alone'
# an empty battery: a certificate would be of the future
apart=$(($(date +%s) - clock))
[ "$clock" = 0 ] || [ "${'$'}{apart#-}" -lt 60 ] || date -s "@$clock" >/dev/null

# twice: what is behind a bus is found once the bus is
for round in 1 2; do find /sys/devices -name modalias -exec cat {} + 2>/dev/null | sort -u | xargs -r modprobe -q -a 2>/dev/null; done
modprobe -q -a af_packet loop squashfs overlay
link='' tries=0
while [ -z "$link" ] && [ "$tries" -lt 30 ]; do
  for one in /sys/class/net/*; do [ "$(cat "$one/address" 2>/dev/null)" = "$card" ] && link=${'$'}{one##*/}; done
  [ -n "$link" ] || sleep 1
  tries=$((tries + 1))
done
[ -n "$link" ] || again "there is no driver for the network card $card"
ip link set "$link" up
udhcpc -q -n -f -t 20 -T 2 -i "$link" -s /bin/got-address >/dev/console 2>&1 || again "no DHCP server answers at $link"

# at most so much of the memory, as the size is not known before
mount -t tmpfs -o size=70%,mode=0755 image /root-image
wget -q -O /root-image/root.squashfs "$server/image/root.squashfs" || again "the root file system did not come from $server: does the machine have 1 GiB of memory?"
echo "$root  /root-image/root.squashfs" | sha256sum -c -s - ||
  again "the root file system is not the one that this kernel was started for: its SHA-256 is $(sha256sum /root-image/root.squashfs | cut -c1-64)"
mkdir -p /root-image/read
mount -t squashfs -o loop,ro /root-image/root.squashfs /root-image/read || again 'the root file system cannot be mounted'
mount -t tmpfs -o size=50%,mode=0755 writable /writable
mkdir -p /writable/upper /writable/work
mount -t overlay -o lowerdir=/root-image/read,upperdir=/writable/upper,workdir=/writable/work overlay /new || again 'the root file system cannot be mounted for writing'

serial=$(cat /sys/class/dmi/id/product_serial 2>/dev/null)
mkdir -p /run/arpanet-boot /run/systemd/network
printf '%s\n' "$server" >/run/arpanet-boot/server
printf '%s\n' "$card" >/run/arpanet-boot/mac
printf '%s\n' "$serial" >/run/arpanet-boot/serial
# the address is kept: what is mounted came by it
printf '[Match]\nMACAddress=%s\n[Network]\nDHCP=ipv4\nKeepConfiguration=dhcp\nIPv6AcceptRA=no\n[DHCPv4]\nClientIdentifier=mac\nUseDNS=no\nUseHostname=no\n' "$card" >/run/systemd/network/10-arpanet-boot.network
mount --move /run /new/run
umount /proc /sys
exec switch_root /new /sbin/init
`;

/** udhcpc's program: it takes what the DHCP server gives. */
export const GOT_ADDRESS = String.raw`#!/bin/busybox sh
[ "$1" = bound ] || exit 0
ip addr flush dev "$interface"
ip addr add "$ip/${'$'}{mask:-24}" dev "$interface"
for one in $router; do ip route replace default via "$one" && break; done
mkdir -p /run/arpanet-boot
printf '%s\n' "$ip" >/run/arpanet-boot/address
: >/run/arpanet-boot/resolv.conf
for one in $dns; do printf 'nameserver %s\n' "$one" >>/run/arpanet-boot/resolv.conf; done
`;

/** Before the agent: asks the boot server which host this machine is, and writes the agent's settings. */
export const JOIN = String.raw`#!/bin/sh
# Made by "arpanet boot build".
set -u
at=/run/arpanet-boot
server=$(cat $at/server) mac=$(cat $at/mac) serial=$(cat $at/serial) address=$(cat $at/address)
umask 077
mkdir -p /etc/arpanet
said=''
while :; do
  # the answer has no more than words: KEY=VALUE
  if answer=$(curl -sS --noproxy '*' --max-time 30 -G --data-urlencode "mac=$mac" --data-urlencode "serial=$serial" -X POST "$server/join" 2>&1) &&
    host=$(printf '%s\n' "$answer" | sed -n 's/^host=\([a-z0-9-]*\)$/\1/p') && [ -n "$host" ]; then
    break
  fi
  [ "$answer" = "$said" ] || echo "arpanet: no host yet: $answer"
  said=$answer
  sleep 5
done
printf '%s\n' "$answer" | sed -n 's/^token=//p' >/etc/arpanet/token
printf 'name: %s\naddress: %s\njoin: %s\ntoken-file: /etc/arpanet/token\ndata: /var/lib/arpanet/agent\n' \
  "$host" "$address" "$(printf '%s\n' "$answer" | sed -n 's/^join=//p')" >/etc/arpanet/agent.yaml
echo "$host" >/proc/sys/kernel/hostname
echo "arpanet: this machine is host $host"
`;

const JOIN_UNIT = `[Unit]
Description=arpanet: which host this machine is
After=network-online.target
Wants=network-online.target
Before=arpanet-agent.service

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=infinity
ExecStart=/usr/lib/arpanet-boot/join
StandardOutput=journal+console
StandardError=journal+console

[Install]
WantedBy=multi-user.target
`;

/** The Engine's files are in memory: an overlay cannot be on another one. */
const DOCKER_MOUNT = `[Unit]
Description=the Engine's files, in memory
Before=docker.service containerd.service

[Mount]
What=tmpfs
Where=/var/lib/docker
Type=tmpfs
Options=size=80%,mode=0710

[Install]
WantedBy=multi-user.target
`;

/** The agent starts once it has its settings. Its token is asked for once, and ends after an hour: a machine that has not joined by then has to be switched on again. */
const AGENT_DROP_IN = `[Unit]
Requires=arpanet-boot-join.service docker.service
After=arpanet-boot-join.service docker.service
`;

/** What is written into the root, by its path. `mode` in octal as chmod has it. */
export const SYSTEM_FILES: readonly { readonly path: string; readonly text: string; readonly mode?: number }[] = [
  { path: 'usr/lib/arpanet-boot/join', text: JOIN, mode: 0o755 },
  { path: 'etc/systemd/system/arpanet-boot-join.service', text: JOIN_UNIT },
  { path: 'etc/systemd/system/var-lib-docker.mount', text: DOCKER_MOUNT },
  { path: 'etc/systemd/system/arpanet-agent.service.d/boot.conf', text: AGENT_DROP_IN },
  { path: 'etc/fstab', text: '' },
  { path: 'etc/hostname', text: 'arpanet-machine\n' },
  // another one each time it boots, unless it is given by the kernel's command line
  { path: 'etc/machine-id', text: '' },
];

/** Units that start: links from multi-user.target.wants, and where from. */
export const ENABLED: readonly (readonly [unit: string, from: string])[] = [
  ['arpanet-boot-join.service', '/etc/systemd/system'],
  ['arpanet-agent.service', '/etc/systemd/system'],
  ['var-lib-docker.mount', '/etc/systemd/system'],
  ['systemd-networkd.service', '/lib/systemd/system'],
  ['docker.service', '/lib/systemd/system'],
];
