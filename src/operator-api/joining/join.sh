#!/bin/sh
# Made by a scheduler of an arpanet cluster. "arpanet hosts add NAME" prints the line that runs it on a machine that is to be a host:
#   curl … | sudo sh -s -- TOKEN NAME [ADDRESS]     checks everything, then joins; run again it continues
#   curl … | sudo sh -s -- --check TOKEN NAME       checks alone
#   curl … | sudo sh -s -- --install-docker TOKEN NAME   installs Docker where there is none, once all checks are passed
#   curl … | sudo sh -s -- --scheduler NAME [ADDRESS]   the same for another scheduler of the cluster ("arpanet schedulers add NAME")
#   curl … | sudo sh -s -- --upgrade [--force] [TOKEN]   takes the scheduler's release, and the one before back if the agent does not come in with it
#   curl … | sudo sh -s -- --remove [--force]       takes off the host that a join has made
#   curl … | sudo sh -s -- --scheduler --remove     takes off the scheduler
#   sh …/dist/join.sh --clear                       takes off what agents have in the kernel: the Debian package does so when it is removed
# Nothing is changed if a check fails. Docker is never restarted, reconfigured or removed.
set -u
umask 022
export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

version='@VERSION@'
scheduler='@SCHEDULER@'
pin='@PIN@'
schedulers='@SCHEDULERS@'
pool='@POOL@'
sha256='@SHA256@'
store='@STORE@'
store_needs='@STORE_NEEDS@'
is_sealed='@SEALED@'

lib=/usr/local/lib/arpanet
bin=/usr/local/bin/arpanet
etc=/etc/arpanet
data=/var/lib/arpanet/agent
unit=/etc/systemd/system/arpanet-agent.service
unit_scheduler=/etc/systemd/system/arpanet-scheduler.service
state=/var/lib/arpanet/scheduler
key=$state/cluster.key
settings_line='# Written by the line of "arpanet schedulers add"'
user_line='made by arpanet schedulers add'
socket=/var/run/docker.sock
deb=/usr/lib/arpanet/bin/arpanet
needs_kb=400000
failed=0

ok() { printf 'ok    %s\n' "$1"; }
note() { printf 'note  %s\n' "$1"; }
# What is wrong, and what to do.
fail() {
  failed=1
  printf 'FAIL  %s\n      %s\n' "$1" "$2" >&2
}
die() {
  fail "$1" "$2"
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }
# The tests end it here, as a power cut would.
step() {
  [ "${ARPANET_TEST_END_AT:-}" != "$1" ] || kill -KILL $$
}

# PATH [options of curl]: asks the scheduler that made this script, and no other: its key is pinned. No proxy sees it.
ask() {
  path=$1
  shift
  case $scheduler in
  https://*) curl -sSk --noproxy '*' --connect-timeout 10 --pinnedpubkey "$pin" --connect-to "::${scheduler#https://}" "$@" "https://join.arpanet.internal$path" ;;
  *) curl -sS --noproxy '*' --connect-timeout 10 "$@" "$scheduler$path" ;;
  esac
}
engine() {
  path=$1
  shift
  curl -sS --max-time 60 --unix-socket "$socket" "$@" "http://docker$path" 2>/dev/null
}
# KEY: the text of a field of the JSON at standard input.
field() { grep -o "\"$1\" *: *\"[^\"]*\"" | head -n 1 | cut -d'"' -f4; }
name_here() { sed -n 's/^name: *"\{0,1\}\([a-z0-9-]*\).*/\1/p' "$etc/agent.yaml" 2>/dev/null | head -n 1; }
has_systemd() { [ -d /run/systemd/system ] && has systemctl; }

# A.B.C.D: as a number.
number() {
  old=$IFS
  IFS=.
  # shellcheck disable=SC2086
  set -- $1
  IFS=$old
  echo $((($1 << 24) + ($2 << 16) + ($3 << 8) + $4))
}
# CIDR: its first and last address, as numbers.
span() {
  first=$(number "${1%/*}")
  bits=32
  case $1 in */*) bits=${1#*/} ;; esac
  size=$((1 << (32 - bits)))
  first=$((first / size * size))
  echo "$first $((first + size - 1))"
}
overlap() {
  # shellcheck disable=SC2046
  set -- $(span "$1") $(span "$2")
  [ "$1" -le "$4" ] && [ "$3" -le "$2" ]
}

# As it was asked to, and with it come iptables.
brings_docker() { [ "$installs_docker" = 1 ] && ! has dockerd && has apt-get; }

check_machine() {
  case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) ok 'Linux with x86_64' ;;
  *) fail "this is $(uname -s) on $(uname -m), and the package is for Linux on x86_64" 'let another machine join; clients run anywhere' ;;
  esac
  for program in curl ip tar gzip sha256sum sed ss df; do
    has "$program" || fail "there is no $program" "install it; Debian and Ubuntu: apt-get install curl iproute2 tar gzip coreutils sed"
  done
  [ "$schedules" = 0 ] || return 0
  has iptables || brings_docker || fail 'there is no iptables, which the agent uses' 'install it (with the nft or the legacy backend); Debian and Ubuntu: apt-get install iptables'
  has ebtables || note 'there is no ebtables: a gateway address of its own will be used in each network'
}

check_library() {
  glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed -n 's/^glibc 2\.\([0-9]*\).*/\1/p')
  if [ -z "$glibc" ] || [ "$glibc" -lt 28 ]; then
    fail 'the C library is not glibc 2.28 or newer, which the program needs' 'use a distribution that has it: Debian 10, Ubuntu 18.10, RHEL 8 or newer'
  fi
  if libraries=$(ldconfig -p 2>/dev/null); then
    case $libraries in
    *libstdc++.so.6*) ;;
    *) fail 'there is no libstdc++.so.6, which the program needs' 'install it; Debian and Ubuntu: apt-get install libstdc++6, others: libstdc++' ;;
    esac
  fi
}

# In a network namespace that ends with the probe, so that nothing of it stays.
check_kernel() {
  if ! has unshare; then
    note 'there is no unshare: the kernel was not tried'
    return
  fi
  for kind in bridge 'vxlan id 1 dstport 4789 noudpcsum'; do
    # shellcheck disable=SC2086
    unshare -n ip link add arpanet0 type $kind 2>/dev/null ||
      fail "the kernel makes no ${kind%% *} device" "load its module (modprobe ${kind%% *}); cloud kernels have it in another package: linux-modules-extra, or linux-image-amd64"
  done
  brings_docker || unshare -n iptables -w 5 -S >/dev/null 2>&1 ||
    fail 'iptables does not work with this kernel' 'load ip_tables or nf_tables; update-alternatives --config iptables chooses between them'
  [ "$failed" = 1 ] || ok 'the kernel makes bridges and VXLAN devices, and takes rules of iptables'
}

check_docker() {
  info=$(engine /info) || info=
  found=$(engine /version) || found=
  if [ -z "$info" ] || [ -z "$found" ]; then
    if [ "$installs_docker" = 1 ] && ! has dockerd; then
      if brings_docker; then note 'Docker is not on this machine: it will be installed once all checks are passed (apt-get install docker.io), and stays when arpanet is taken off'
      else fail 'Docker is not on this machine, and there is no apt-get to install it with' 'install it as its distribution says (https://docs.docker.com/engine/install)'; fi
      return
    fi
    fail "no Docker Engine answers at $socket" 'start it (systemctl start docker), or install it; Debian and Ubuntu: apt-get install docker.io, which this script does with --install-docker'
    return
  fi
  engine_id=$(printf %s "$info" | field ID)
  api=$(printf %s "$found" | field ApiVersion)
  min_api=$(printf %s "$found" | field MinAPIVersion)
  ok "Docker $(printf %s "$info" | field ServerVersion) answers"
  case $found in
  *'"Podman Engine"'*) fail "it is Podman that answers at $socket: its networks are not those that a cluster needs" 'install Docker beside it, and let that have the socket (podman-docker takes it)' ;;
  esac
  case $info in
  *'"LiveRestoreEnabled":true'*) ;;
  *) note 'Docker has no live-restore: containers end when it is restarted. "live-restore": true in daemon.json changes that; nothing here does' ;;
  esac
  case $info in
  *'"LocalNodeState":"active"'*) note 'Docker is in swarm mode: its own services go on beside the cluster' ;;
  esac
  case $info in
  *'name=rootless'*) fail 'this Docker is rootless: it has no networks of this machine' 'let a Docker that runs as root join' ;;
  esac
}

# curl here goes past any proxy, and so does the agent. Docker does as its own settings say.
check_proxy() {
  proxy=${https_proxy:-${HTTPS_PROXY:-${http_proxy:-${HTTP_PROXY:-${all_proxy:-${ALL_PROXY:-}}}}}}
  [ -z "$proxy" ] || note "there is a proxy (${proxy##*@}): nothing goes through it to the scheduler, to which this machine needs a way of its own. Docker pulls images by its own settings (systemctl show docker --property Environment)"
}

# Told before, and asked for; one that is there is left alone.
install_docker() {
  step docker
  printf 'Docker is being installed: apt-get install docker.io\n'
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends docker.io; } >"$scratch/apt" 2>&1 ||
    { tail -n 5 "$scratch/apt" >&2; die 'Docker could not be installed' 'install it, and run this line again: nothing else was changed'; }
  if has_systemd; then systemctl enable --now docker >/dev/null 2>&1; fi
  check_docker
  check_kernel
  check_cluster
  if [ "$failed" = 1 ]; then die 'Docker was installed, and does not answer' 'start it, and run this line again: nothing else was changed'; fi
}

check_network() {
  peer=${scheduler#*://}
  peer=${peer%:*}
  peer_ip=$(getent ahostsv4 "$peer" 2>/dev/null | sed -n '1s/ .*//p')
  route=$(ip -4 -o route get "${peer_ip:-$peer}" 2>/dev/null | head -n 1)
  if [ -z "$address" ]; then
    address=$(printf %s "$route" | sed -n 's/.* src \([0-9.]*\).*/\1/p')
    case $address in
    '') fail "there is no route to the scheduler at $peer" 'connect this machine to its network, or give its address in it as the third word' ;;
    127.*) fail 'the scheduler is reached by loopback, where no other host reaches this one' 'give its address in the network of the hosts as the third word' ;;
    esac
  fi
  link=$(ip -4 -o addr show 2>/dev/null | sed -n "s/^[0-9]*: *\([^ ]*\) .* inet $address\/.*/\1/p" | head -n 1)
  [ -z "$address" ] || [ -n "$link" ] || fail "this machine does not have the address $address" 'give one of its own (ip -4 addr), at which the other hosts reach it'
  if [ -n "$link" ]; then
    mtu=$(ip -o link show dev "$link" | sed -n 's/.* mtu \([0-9]*\).*/\1/p')
    if [ "${mtu:-0}" -lt 1330 ]; then
      fail "$link carries packets of $mtu bytes: with VXLAN there is not enough left (1280, RFC 8200)" "ip link set $link mtu 1500, if all in its network can"
    else ok "the other hosts reach it at $address ($link, $mtu bytes)"; fi
  fi
  ip -4 -o route show 2>/dev/null | grep -vE '^(default|unreachable|blackhole|prohibit)| dev arp[0-9a-f]{6}( |$)' | while read -r cidr rest; do
    case $cidr in [0-9]*) overlap "$cidr" "$pool" && echo "$cidr $rest" ;; esac
  done | head -n 1 >"$scratch/overlap"
  if [ -s "$scratch/overlap" ]; then
    fail "this machine routes $(cut -d' ' -f1-3 "$scratch/overlap"), which overlaps with $pool, where the cluster's networks are" 'remove the route (of a Docker network: docker network rm), or choose another range: arpanet config set pool CIDR'
  else ok "no route here overlaps with $pool"; fi
}

check_ports() {
  if ! is_running; then
    user=$(ss -Hltnp 'sport = :2376' 2>/dev/null | head -n 1)
    [ -z "$user" ] || fail "TCP port 2376 is in use: $user" 'end that program (a Docker that listens there: -H in its settings), the agent needs it'
  fi
  user=$(ss -Huanp 'sport = :4789' 2>/dev/null | grep users: | head -n 1)
  [ -z "$user" ] || fail "UDP port 4789 (VXLAN) is in use: $user" 'end that program'
}

check_space() {
  free=$(df -Pk /usr/local 2>/dev/null | sed -n '2s/^[^ ]* *[0-9]* *[0-9]* *\([0-9]*\).*/\1/p')
  if [ "${free:-0}" -lt "$needs_kb" ]; then fail "/usr/local has $((${free:-0} / 1000)) MB free, and $((needs_kb / 1000)) are needed" 'make room there'; fi
}

check_before() {
  here=$(name_here)
  if [ -n "$here" ] && [ "$here" != "$name" ] && [ -e "$data/identity.json" ]; then
    fail "this machine is host $here (was it renamed, or copied from there?)" "renamed: \"arpanet drain $here\", \"arpanet hosts rm $here\", then here this script with --remove, then this line again. A copy: --remove here, then this line again"
  fi
  if [ -x "$deb" ]; then
    had=$("$deb" --version 2>/dev/null)
    [ "$had" = "$version" ] || fail "the Debian package of arpanet $had is installed here, and the scheduler has $version" 'upgrade it first: apt install ./arpanet_….deb'
    return
  fi
  [ -n "$sha256" ] || fail 'the scheduler runs from a clone or an npm package: it has no package that this machine could run' 'install a package here (docs/install.md), and run the agent that "arpanet hosts add" prints'
  if [ -e "$lib.new" ] || { [ -e "$lib" ] && [ ! -e "$unit" ] && [ ! -e "$unit_scheduler" ]; }; then note 'it was left half installed before: this continues'; fi
}

# What the leader knows better: the token, the name, the clock, and who else is here.
check_cluster() {
  known=false
  if [ -e "$data/identity.json" ]; then known=true; fi
  case $scheduler in http://*) [ "$(name_here)" != "$name" ] || known=true ;; esac
  id=$(cat /etc/machine-id 2>/dev/null)
  machine=
  # a digest: the id itself is not for others (machine-id(5))
  [ -z "$id" ] || machine=$(printf 'arpanet %s' "$id" | sha256sum | cut -c1-32)
  body=$(printf '{"token":"%s","name":"%s","address":"%s","engineId":"%s","apiVersion":"%s","minApiVersion":"%s","isKnown":%s,"clockMs":%s000,"machine":"%s"}' \
    "$token" "$name" "$address" "${engine_id:-}" "${api:-}" "${min_api:-}" "$known" "$(date +%s)" "$machine")
  # by standard input: arguments are in the list of processes
  if ! status=$(printf %s "$body" | ask /arpanet/v1/join/check -o "$scratch/answer" -w '%{http_code}' -H 'Content-Type: application/json' --data-binary @- 2>"$scratch/error"); then
    fail "no answer from the scheduler at $scheduler: $(tail -n 1 "$scratch/error")" 'is it up, does a firewall stop its port, or is a proxy in between, which shows a certificate of its own (curl: does not match pinned public key)? Then let this machine reach it directly'
    return
  fi
  case $status in
  200) ;;
  *) fail "the scheduler answers $status: $(field message <"$scratch/answer")" "run \"$printed\" again for a line of now" && return ;;
  esac
  while IFS='|' read -r kind what todo; do
    case $kind in
    fail) fail "$what" "$todo" ;;
    joined) joined=1 joined_with=$todo ;;
    note) note "$what" ;;
    *) ok "$what" ;;
    esac
  done <"$scratch/answer"
}

# INNER FILE: the host there sends back what is in the file.
carries() { inside curl -sS --noproxy '*' --connect-timeout 3 --max-time 4 -H 'Expect:' --data-binary "@$2" -o /dev/null "http://$1/" 2>/dev/null; }
inside() { nsenter "--net=/proc/$holder/ns/net" "$@"; }

# Whether VXLAN passes to other hosts and back, and how large: by a device in a network namespace that ends with the trial. Those hosts answer for two minutes.
check_paths() {
  if ! has unshare || ! has nsenter || ! has bridge; then
    note 'UDP 4789 was not tried: there is no unshare, nsenter or bridge'
    return
  fi
  body=$(printf '{"token":"%s","name":"%s","address":"%s","mtu":%s}' "$token" "$name" "$address" "$mtu")
  status=$(printf %s "$body" | ask /arpanet/v1/join/paths -o "$scratch/paths" -w '%{http_code}' -H 'Content-Type: application/json' --data-binary @- 2>/dev/null)
  if [ "$status" != 200 ]; then
    note "UDP 4789 was not tried: the scheduler answers ${status:-nothing}"
    return
  fi
  sed -n 's/^note|\([^|]*\)|.*/\1/p' "$scratch/paths" | while read -r text; do note "$text"; done
  grep '^path|' "$scratch/paths" | tr '|' ' ' >"$scratch/trials"
  [ -s "$scratch/trials" ] || return 0
  read -r _ _ _ _ vni theirs mtu <"$scratch/trials"
  unshare -n sleep 120 &
  holder=$!
  here=$(readlink /proc/self/ns/net)
  while there=$(readlink "/proc/$holder/ns/net") && [ "$there" = "$here" ]; do :; done
  if said=$({
    ip link add arpanet0 netns "$holder" type vxlan id "$vni" local "$address" dev "$link" dstport 4789 noudpcsum &&
      inside ip addr add "$theirs/24" dev arpanet0 && inside ip link set arpanet0 mtu $((mtu - 50)) gso_max_segs 1 up
  } 2>&1); then try_paths; else fail "no VXLAN device at UDP port 4789: $said" 'is there another program that has VXLAN devices at this port with other settings? Remove those (ip -d link show type vxlan)'; fi
  inside ip link del arpanet0 2>/dev/null
  kill "$holder" 2>/dev/null
  wait "$holder" 2>/dev/null
}

try_paths() {
  printf x >"$scratch/small"
  head -c 20000 /dev/zero >"$scratch/large"
  passed=''
  while read -r _ host outer inner _; do inside bridge fdb append 00:00:00:00:00:00 dev arpanet0 dst "$outer"; done <"$scratch/trials"
  while read -r _ host outer inner _; do
    if ! carries "$inner" "$scratch/small" && ! carries "$inner" "$scratch/small"; then
      # it calls as well: what came from there has been learned
      if inside bridge fdb show dev arpanet0 | grep -v '^00:00:00:00:00:00' | grep -qF "dst $outer "; then
        fail "what this machine sends to UDP port 4789 (VXLAN) of host $host ($outer) does not arrive, and what $host sends does" "let the firewall of $host, and those on the way, take UDP port 4789 from $address"
      else
        fail "what host $host ($outer) sends to UDP port 4789 (VXLAN) of this machine does not arrive" "let the firewall here, and those on the way, take it (here: iptables -I INPUT -s $outer -p udp --dport 4789 -j ACCEPT; in a cloud: its security group), and the other way as well"
      fi
    elif ! carries "$inner" "$scratch/large"; then
      narrower "$host" "$inner"
    else passed="$passed $host"; fi
  done <"$scratch/trials"
  [ -z "$passed" ] || ok "VXLAN (UDP 4789) passes to other hosts and back, in packets of $mtu bytes:$passed"
}

# HOST INNER: which size passes, of those that links and tunnels have.
narrower() {
  most='fewer than 1330'
  for bytes in 8950 1500 1492 1480 1450 1400 1330; do
    [ "$bytes" -lt "$mtu" ] || continue
    inside ip link set arpanet0 mtu $((bytes - 50))
    if carries "$2" "$scratch/large"; then
      most=$bytes
      break
    fi
  done
  inside ip link set arpanet0 mtu $((mtu - 50))
  fail "packets of $mtu bytes do not pass between this machine and host $1; those of $most do" "let the network between them carry $mtu, or give the link here what passes (ip link set $link mtu BYTES): the cluster's networks have the least of all hosts"
}

# Process ids of our agent, by the unit or without it. One of a container has another root, and is none.
agents() {
  for exe in /proc/[0-9]*/exe; do
    pid=${exe%/exe}
    case $(readlink "$exe" 2>/dev/null) in
    "$lib"/bin/node* | "$lib".old/bin/node* | /usr/lib/arpanet/bin/node*)
      [ "$pid/root" -ef / ] && tr '\0' ' ' <"$pid/cmdline" 2>/dev/null | grep -q ' agent ' && echo "${pid#/proc/}"
      ;;
    esac
  done
}
is_running() { [ -n "$(agents)" ]; }

write() {
  (umask 077 && cat >"$1.new") && chmod "$2" "$1.new" && mv -f "$1.new" "$1"
}

# Of a package that did not come whole nothing stays: there may be no space.
no_program() {
  rm -rf "$lib.new"
  die "$1" "$2"
}
# A folder under another name until all of it is right.
install_program() {
  if [ ! -e "$lib" ] && [ -e "$lib.old" ]; then mv "$lib.old" "$lib"; fi
  rm -rf "$lib.new"
  mkdir -p "$lib.new/tree"
  step download
  ask /arpanet/v1/package -f -o "$lib.new/package.tar.gz" || no_program 'the package did not come' 'run this line again'
  echo "$sha256  $lib.new/package.tar.gz" | sha256sum -c --quiet - >/dev/null 2>&1 ||
    no_program 'what came is not the package that the scheduler described' 'is it being upgraded? Run "arpanet hosts add" again for a line of now'
  step unpack
  tar -xzf "$lib.new/package.tar.gz" -C "$lib.new/tree" || no_program 'the package cannot be unpacked' 'is there space in /usr/local?'
  ask /arpanet/v1/join.sh -f -o "$lib.new/tree/join.sh" || no_program 'the script did not come again' 'run this line again'
  step place
  # the release that came in last is beside one that has not: that was ended before it did
  if [ -e "$lib.old" ]; then rm -rf "$lib"; fi
  [ ! -e "$lib" ] || mv "$lib" "$lib.old"
  mv "$lib.new/tree" "$lib"
  rm -rf "$lib.new"
  mkdir -p "${bin%/*}"
  ln -sfn "$lib/bin/arpanet" "$bin"
}

join() {
  program=$deb had=$version
  if [ ! -x "$deb" ]; then
    had=$("$bin" --version 2>/dev/null)
    if [ -e "$lib.old" ]; then had=$("$lib.old/bin/arpanet" --version 2>/dev/null); fi
    install_program
    program=$bin
  fi
  step settings
  mkdir -p "$etc"
  printf '%s\n' "$token" | write "$etc/token" 0600
  if [ -x "$deb" ] && [ ! -e "$etc/agent.yaml.before-join" ]; then cp -p "$etc/agent.yaml" "$etc/agent.yaml.before-join" 2>/dev/null; fi
  if [ "$(name_here)" != "$name" ] || [ -n "$given" ]; then
    printf '# Written by the line of "arpanet hosts add"; "arpanet config sample agent" prints all settings.\nname: %s\naddress: %s\njoin: %s\ntoken-file: %s\ndata: %s\n' \
      "$name" "$address" "$schedulers" "$etc/token" "$data" | write "$etc/agent.yaml" 0600
  fi
  step unit
  if ! has_systemd; then
    mkdir -p "$data"
    rm -rf "$lib.old"
    printf '\nThere is no systemd here. Let its own supervisor run this as root:\n\n  %s agent --config %s/agent.yaml\n' "$program" "$etc"
    exit 0
  fi
  starts_scheduler || note 'the scheduler on this machine did not start with its new program: journalctl -u arpanet-scheduler says why'
  if ! start_agent || ! comes_in; then die "$name has not joined within a minute" 'journalctl -u arpanet-agent and "arpanet status" say why; this line may be run again'; fi
  [ -x "$deb" ] || rm -rf "$lib.old"
  printf '\n%s has joined\n' "$name"
  exit 0
}

# As a user of its own, with the program in place. It is in when its API answers: its unit says so.
start_scheduler() {
  sed "s#/usr/bin/arpanet#$bin#" "$lib/lib/systemd/arpanet-scheduler.service" | write "$unit_scheduler" 0644
  systemctl daemon-reload && systemctl enable arpanet-scheduler >/dev/null 2>&1
  systemctl restart arpanet-scheduler
}
# A scheduler on this machine has the same program; one that has the release already is left alone.
starts_scheduler() { [ ! -e "$unit_scheduler" ] || [ "$had" = "$version" ] || start_scheduler; }
start_agent() {
  if [ ! -x "$deb" ]; then sed "s#/usr/bin/arpanet#$bin#" "$lib/lib/systemd/arpanet-agent.service" | write "$unit" 0644; fi
  systemctl daemon-reload && systemctl enable arpanet-agent >/dev/null 2>&1
  step start
  systemctl restart arpanet-agent
}
# The leader knows this host with this release.
comes_in() {
  tries=0
  while [ "$tries" -lt "${ARPANET_JOIN_TRIES:-60}" ]; do
    joined=0
    check_cluster >/dev/null 2>&1
    [ "$joined" = 1 ] && [ "$joined_with" = "$version" ] && return 0
    sleep 1
    tries=$((tries + 1))
  done
  return 1
}

is_lower() { [ "$1" != "$2" ] && [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }
setting() { sed -n "s/^$1: *//p" "$etc/agent.yaml" 2>/dev/null | head -n 1; }

# The leader says that the token in this file joins nobody here, or there is none. Changes nothing.
is_refused() {
  [ -s "$1" ] || return 0
  case $(token=$(cat "$1") && { check_cluster >/dev/null 2>&1 || :; } && printf %s "$status") in
  401 | 403) return 0 ;;
  *) return 1 ;;
  esac
}

upgrade() {
  name=$(name_here)
  [ -n "$name" ] && [ -e "$data/identity.json" ] || die 'this machine is no host that joined by a line with TLS' '"arpanet hosts add NAME" prints the line for it'
  [ ! -x "$deb" ] || die 'the Debian package of arpanet is installed here' 'upgrade that: apt install ./arpanet_…_amd64.deb'
  if ! has_systemd; then die 'there is no systemd, which starts the agent again' 'end the agent, run the line of "arpanet hosts add" again, and start it'; fi
  placed=$("$bin" --version 2>/dev/null)
  had=$placed
  if [ -e "$lib.old" ]; then had=$("$lib.old/bin/arpanet" --version 2>/dev/null); fi
  if is_lower "$version" "$had" && [ "$force" = 0 ]; then die "this host has $had, and the scheduler $version, which is older" 'upgrade the schedulers first; with --force this host is taken back'; fi
  token=${1:-$(cat "${ARPANET_TOKEN_FILE:-$etc/token}")} address=$(setting address) printed='arpanet upgrade'
  check_space
  check_before
  check_cluster >/dev/null
  if [ "$failed" = 1 ]; then die 'nothing was changed' 'this line may be run again'; fi
  # what is printed has an end: it takes the place of one that was rotated away; what an agent hands over is for this upgrade alone
  if [ $# = 1 ] && is_refused "$etc/token"; then printf '%s\n' "$token" | write "$etc/token" 0600; fi
  if [ "$placed" = "$version" ] && [ "$joined" = 1 ] && [ "$joined_with" = "$version" ]; then
    rm -rf "$lib.old"
    printf '%s has %s already\n' "$name" "$version"
    exit 0
  fi
  install_program
  if starts_scheduler && start_agent && comes_in; then
    rm -rf "$lib.old"
    printf '%s has %s now, and had %s\n' "$name" "$version" "${had:-no release}"
    exit 0
  fi
  [ -e "$lib.old" ] || die "$name did not come in with $version" 'journalctl -u arpanet-agent says why; this line may be run again'
  step back
  rm -rf "$lib.new"
  mv "$lib" "$lib.new" && mv "$lib.old" "$lib" && rm -rf "$lib.new"
  starts_scheduler
  start_agent
  die "$name did not come in with $version within a minute, and has $had back" 'journalctl -u arpanet-agent says why; upgrade no other host before that is known'
}

check_scheduler() {
  if [ -z "$store" ]; then
    fail 'the store of this cluster is a folder of its scheduler (embedded), which no second one can share' 'move it to Consul: "arpanet backup FILE", stop the scheduler, "arpanet restore FILE --store consul://HOST:PORT", and start it with that store'
    return
  fi
  if [ -n "$store_needs" ]; then
    fail "Consul wants $store_needs here, which this line hands to nobody" 'install the Debian package, and write its /etc/arpanet/scheduler.yaml as that of the other scheduler (docs/install.md)'
    return
  fi
  case $(curl -sS --noproxy '*' --max-time 10 "http://${store#consul://}/v1/status/leader" 2>/dev/null) in
  '"'*:*'"') ok "Consul answers at ${store#consul://}" ;;
  *) fail "no Consul with a leader answers at ${store#consul://}, where the schedulers have their store" 'start the Consul agent of this machine, joined to the others' ;;
  esac
  theirs=$(sed -n 's/^cluster-key: *//p' "$etc/scheduler.yaml" 2>/dev/null | head -n 1)
  key=${theirs:-$key}
  [ "$is_sealed" != yes ] || [ -s "$key" ] ||
    fail "there is no cluster key in $key: without it nothing in the store can be read" "copy it from a scheduler (its setting cluster-key): sudo install -d -m 700 $state; ssh SCHEDULER sudo cat FILE | sudo sh -c 'umask 077; cat >$key'"
  for port in 2375 "${scheduler##*:}"; do
    user=$(ss -Hltnp "sport = :$port" 2>/dev/null | head -n 1)
    [ -z "$user" ] || [ -e "$unit_scheduler" ] || fail "TCP port $port is in use: $user" 'end that program'
  done
  [ ! -x "$deb" ] || fail 'the Debian package of arpanet is installed here' "write its $etc/scheduler.yaml, with store: $store, and start arpanet-scheduler"
  has useradd || fail 'there is no useradd: the scheduler runs as a user of its own' 'install the package passwd (shadow-utils)'
  has_systemd || fail 'there is no systemd, which keeps the scheduler running' 'use a machine that has it, or the container image (docs/install.md)'
}

add_scheduler() {
  install_program
  step settings
  mkdir -p "$etc"
  chmod go+x "$etc"
  getent passwd arpanet >/dev/null || useradd --system --user-group --comment "arpanet scheduler, $user_line" --no-create-home --home-dir /var/lib/arpanet --shell /usr/sbin/nologin arpanet
  if [ ! -e "$etc/scheduler.yaml" ]; then
    listen=tls
    case $scheduler in http://*) listen=tcp ;; esac
    {
      printf '%s; "arpanet config sample scheduler" prints all settings.\n' "$settings_line"
      printf 'name: %s\nlisten:\n  - tcp://127.0.0.1:2375\n  - %s://%s:%s\nadvertise: %s://%s:%s\nstore: %s\n' \
        "$name" "$listen" "$address" "${scheduler##*:}" "${scheduler%%://*}" "$address" "${scheduler##*:}" "$store"
      [ "$listen" = tls ] || echo 'insecure: true'
      [ "$is_sealed" != yes ] || echo "cluster-key: $key"
    } | write "$etc/scheduler.yaml" 0640
  fi
  chgrp arpanet "$etc/scheduler.yaml"
  mkdir -p "$state"
  chmod go+x "${state%/*}"
  # before the folder is the user's, who could put a link in its place
  if [ -f "$key" ] && [ "$(stat -c %U "$key")" != arpanet ]; then chmod 0600 "$key" && chown -h arpanet:arpanet "$key"; fi
  chmod 0700 "$state" && chown -h arpanet:arpanet "$state"
  step unit
  start_scheduler
  tries=0
  while [ "$tries" -lt 60 ]; do
    if curl -sf --noproxy '*' --max-time 5 http://127.0.0.1:2375/_ping >/dev/null; then
      rm -rf "$lib.old"
      printf '\nthe scheduler %s is in\n' "$name"
      exit 0
    fi
    sleep 1
    tries=$((tries + 1))
  done
  die "the scheduler $name does not answer after a minute" 'journalctl -u arpanet-scheduler says why; this line may be run again'
}

# Containers of the cluster, running or not.
cluster_list() { engine '/containers/json?all=1&filters=%7B%22label%22%3A%5B%22arpanet.instance%22%5D%7D'; }
cluster_containers() { cluster_list | grep -o '"Id":"[0-9a-f]\{64\}"' | cut -d'"' -f4; }
cluster_networks() { engine '/networks?filters=%7B%22label%22%3A%5B%22arpanet.network%22%5D%7D' | grep -o '"Id":"[0-9a-f]\{64\}"' | cut -d'"' -f4; }

# PROGRAM: rules with our comment, those of WireGuard's links, jumps to our chains, then the chains.
remove_rules() {
  $1 -S 2>/dev/null | grep -E -- '^-A .*(--comment "?arpanet|-j ARPANET|! -[io] arw\+ )' | grep -v '^-A ARPANET' | sed 's/^-A/-D/; s/"//g' | while read -r rule; do
    # shellcheck disable=SC2086
    $1 $rule
  done
  chains=$($1 -S 2>/dev/null | sed -n 's/^-N \(ARPANET[^ ]*\).*/\1/p')
  # all of them first: one leads to another
  for chain in $chains; do $1 -F "$chain"; done
  for chain in $chains; do $1 -X "$chain"; done
}
# TABLE: the same of ebtables.
remove_frames() {
  for chain in OUTPUT PREROUTING; do
    ebtables -t "$1" -L "$chain" 2>/dev/null | grep -E -- '-o arv[0-9a-f]{6} |-j ARPANET' | while read -r rule; do
      # shellcheck disable=SC2086
      ebtables -t "$1" -D "$chain" $rule
    done
  done
  chains=$(ebtables -t "$1" -L 2>/dev/null | sed -n 's/^Bridge chain: \(ARPANET[^,]*\|arpanet-[^,]*\),.*/\1/p')
  for chain in $chains; do ebtables -t "$1" -F "$chain"; done
  for chain in $chains; do ebtables -t "$1" -X "$chain"; done
}

# Networks of the Engine, and what is in the kernel for them.
clear_networks() {
  step networks
  cluster_networks | while read -r id; do engine "/networks/$id" -X DELETE; done
  step links
  for device in $(ip -o link show 2>/dev/null | sed -n 's/^[0-9]*: *\(ar[pv][0-9a-f]\{6\}\|arw[0-9a-f]\{8\}[abp]\)[:@].*/\1/p'); do ip link del "$device" 2>/dev/null; done
  for inner in $(ip -6 -o addr show dev lo 2>/dev/null | sed -n 's/.* inet6 \(fd61:7270:616e:[0-9a-f:]*\/128\) .*/\1/p'); do ip -6 addr del "$inner" dev lo; done
}
# The proxy of HTTP by name goes on without its agent.
clear_rules() {
  step rules
  pid=$(cat "$data/http/haproxy.pid" 2>/dev/null)
  # after a reboot another program may have its number, also another haproxy
  if tr '\0' '\n' 2>/dev/null <"/proc/${pid:-none}/cmdline" | grep -qxF "$data/http/haproxy.cfg"; then kill "$pid"; fi
  for tables in iptables ip6tables; do
    has "$tables" || continue
    for table in filter nat mangle raw; do remove_rules "$tables -w 5 -t $table"; done
  done
  if has ebtables; then for table in filter nat; do remove_frames "$table"; done; fi
  if has nft; then for family in ip ip6; do nft delete table $family arpanet-ingress 2>/dev/null; done; nft delete table bridge arpanet-allow 2>/dev/null; fi
}
# Files stay, and containers.
clear() {
  list=$(cluster_list)
  found=$(printf %s "$list" | grep -o '"Id":"[0-9a-f]\{64\}"' | wc -l)
  # a list that did not come is not an empty one
  if [ -S "$socket" ] && [ "${list#\[}" = "$list" ]; then note "the cluster's networks stay: Docker does not answer at $socket, or there is no curl to ask it"
  elif [ "$found" -gt 0 ]; then note "$found containers of the cluster are here, and their networks stay: without an agent they have no names and no rules any more"
  else clear_networks; fi
  clear_rules
}

# Each part may be done already: it was ended in between, and runs again.
remove() {
  found=$(cluster_containers | wc -l)
  if [ "$found" -gt 0 ] && [ "$force" = 0 ]; then
    here=$(name_here)
    die "$found containers of the cluster are here" "\"arpanet drain ${here:-HOST}\" and \"arpanet hosts rm ${here:-HOST}\" move or remove them; with --force they are removed here"
  fi
  if has_systemd; then systemctl disable --now arpanet-agent >/dev/null 2>&1; fi
  while is_running; do
    # shellcheck disable=SC2046
    kill $(agents) 2>/dev/null
    sleep 1
  done
  step containers
  cluster_containers | while read -r id; do engine "/containers/$id?force=1" -X DELETE; done
  clear_networks
  clear_rules
  step files
  rm -rf "$data"
  if [ -x "$deb" ]; then
    [ ! -e "$etc/agent.yaml.before-join" ] || mv -f "$etc/agent.yaml.before-join" "$etc/agent.yaml"
    rm -f "$etc/token" "$etc/token.new" "$etc/agent.yaml.new"
  else
    rm -f "$unit" "$unit.new" "$etc/token" "$etc/token.new" "$etc/agent.yaml" "$etc/agent.yaml.new"
    if has_systemd; then systemctl daemon-reload; fi
    rmdir /var/lib/arpanet "$etc" 2>/dev/null
  fi
  if [ -e "$unit_scheduler" ]; then
    printf 'the host of arpanet is not on this machine any more; its scheduler is, and --scheduler --remove takes that off. Docker is as it was.\n'
  else
    remove_program
    printf 'arpanet is not on this machine any more. Docker is as it was.\n'
  fi
}

remove_program() {
  step program
  case $(readlink "$bin" 2>/dev/null) in "$lib"/*) rm -f "$bin" ;; esac
  rm -rf "$lib.new" "$lib.old"
  # This script last: it may be what runs, and is run again if it is ended before.
  if [ -d "$lib" ]; then
    find "$lib" -mindepth 1 -maxdepth 1 ! -name join.sh -exec rm -rf {} +
    rm -rf "$lib"
  fi
}

# What others have made stays: settings with another first line, a user without our comment, and the cluster key always.
remove_scheduler() {
  if [ -e "$unit_scheduler" ]; then
    if has_systemd; then systemctl disable --now arpanet-scheduler >/dev/null 2>&1; fi
    rm -f "$unit_scheduler" "$unit_scheduler.new"
    if has_systemd; then systemctl daemon-reload; fi
  elif [ -x "$deb" ]; then die 'the scheduler here is of the Debian package of arpanet' 'apt-get remove arpanet'; fi
  kept=$(sed -n 's/^cluster-key: *//p' "$etc/scheduler.yaml" 2>/dev/null | head -n 1)
  kept=${kept:-$key}
  # with the copy of the CA that the scheduler has put beside the key
  case $(head -n 1 "$etc/scheduler.yaml" 2>/dev/null) in "$settings_line"*) rm -f "$etc/scheduler.yaml" "$kept".identity-* ;; esac
  rm -f "$etc/scheduler.yaml.new"
  rmdir "$state" 2>/dev/null
  if getent passwd arpanet | grep -q "$user_line"; then
    # no later user with its number has them
    if [ -e "$state" ]; then chown -R 0:0 "$state"; fi
    if [ -e "$kept" ]; then chown -h 0:0 "$kept"; fi
    userdel arpanet
  fi
  [ ! -e "$kept" ] || note "the cluster key stays in $kept: without one of its copies nothing in the store can be read"
  [ ! -e "$etc/scheduler.yaml" ] || note "$etc/scheduler.yaml stays: the line of \"arpanet schedulers add\" has not written it"
  if [ -e "$unit" ] || [ -e "$etc/agent.yaml" ]; then
    printf 'the scheduler of arpanet is not on this machine any more; its host is\n'
  else
    rmdir /var/lib/arpanet "$etc" 2>/dev/null
    remove_program
    printf 'arpanet is not on this machine any more. Docker is as it was.\n'
  fi
}

usage() {
  printf 'usage: sh -s -- [--check] [--install-docker] TOKEN NAME [ADDRESS]\n       sh -s -- [--check] --scheduler NAME [ADDRESS]\n       sh -s -- --upgrade [--force] [TOKEN]\n       sh -s -- --remove [--force]\n       sh -s -- --scheduler --remove\n' >&2
  exit 2
}

main() {
  info='' schedules=0 only_check=0 removes=0 clears=0 upgrades=0 force=0 installs_docker=0 joined=0 joined_with='' printed='arpanet hosts add'
  while :; do
    case ${1:-} in
    --check) only_check=1 ;;
    --remove) removes=1 ;;
    --clear) clears=1 ;;
    --upgrade) upgrades=1 ;;
    --scheduler) schedules=1 ;;
    --force) force=1 ;;
    --install-docker) installs_docker=1 ;;
    -*) usage ;;
    *) break ;;
    esac
    shift
  done
  # one of these at a time: what only checks changes nothing
  case $((only_check + upgrades + removes + clears))$((schedules + upgrades + clears)) in [01][01]) ;; *) usage ;; esac
  [ "$(id -u)" = 0 ] || die 'this needs root: it makes links, routes and rules, and installs a service' 'run it with sudo, or as root'
  if [ "$clears" = 1 ]; then
    clear
    exit 0
  fi
  if [ "$removes" = 1 ]; then
    [ $# = 0 ] || usage
    if [ "$schedules" = 1 ]; then remove_scheduler; else remove; fi
    exit 0
  fi
  if [ "$upgrades" = 1 ]; then
    [ $# = 0 ] || [ $# = 1 ] || usage
    case ${1:-} in *[!A-Za-z0-9._:+/=-]*) usage ;; esac
    scratch=$(mktemp -d) || die 'there is no space for a scratch file' 'make room in /tmp'
    trap 'rm -rf "$scratch"' EXIT
    upgrade "$@"
  fi
  if [ "$schedules" = 1 ]; then
    [ $# = 1 ] || [ $# = 2 ] || usage
    set -- none "$@"
  fi
  [ $# = 2 ] || [ $# = 3 ] || usage
  token=$1 name=$2 address=${3:-} given=${3:-} engine_id='' api='' min_api=''
  case $token$name$address in
  *[!A-Za-z0-9._:+/=-]*) usage ;;
  esac
  scratch=$(mktemp -d) || die 'there is no space for a scratch file' 'make room in /tmp'
  trap 'rm -rf "$scratch"' EXIT
  check_machine
  check_library
  check_proxy
  if [ "$schedules" = 1 ]; then
    check_network
    check_space
    check_scheduler
  else
    check_kernel
    check_docker
    check_network
    check_ports
    check_space
    check_before
    check_cluster
    [ "$failed" = 1 ] || [ "$joined" = 1 ] || check_paths
  fi
  if [ "$failed" = 1 ]; then
    printf '\nNothing was changed. This line may be run again.\n' >&2
    exit 1
  fi
  if [ "$only_check" = 1 ]; then exit 0; fi
  [ "$schedules" = 0 ] || add_scheduler
  [ "$installs_docker" = 0 ] || [ -n "${info:-}" ] || install_docker
  if [ "$joined" = 1 ] && is_running; then
    printf '\n%s has joined already\n' "$name"
    exit 0
  fi
  join
}

main "$@"
