#!/usr/bin/env bash
# tools.sh DIR: unpacks the real programs that the tests run against, which this Debian release does not carry,
# from other Debian releases on the mirror that this machine's apt already uses. Nothing is installed system-wide.
#   consul 1.8.7 (bullseye) · docker compose v2 2.26 (trixie) · Docker Engine 26.1 + containerd 1.7 (trixie)
#   prometheus and promtool 2.42 (bookworm)
#   the newest compose, docker CLI, buildx and Engine that run on this machine: Debian's unstable, else what trixie has
# Signatures are checked by apt against Debian's own keyring. Idempotent: what is there is kept.
set -euo pipefail
out=$(realpath -m "${1:?usage: tools.sh DIR}")
mkdir -p "$out/debs"

mirror=$(sed -n 's/^URIs: *\(http[^ ]*\/debian\)\/\? *$/\1/p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -1)
[ -n "$mirror" ] || mirror=$(sed -n 's/^deb  *\(\[[^]]*\] *\)\?\(http[^ ]*\/debian\)\/\? .*/\2/p' /etc/apt/sources.list 2>/dev/null | head -1)
[ -n "$mirror" ] || { echo "tools.sh: found no Debian mirror in this machine's apt sources" >&2; exit 1; }
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

unpack() { # RELEASE PACKAGE FOLDER
  local release=$1 package=$2 folder=$out/$3 state=$out/apt/$1
  [ -e "$folder/.done" ] && return 0
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
  echo "deb [signed-by=$keyring] $mirror $release main" >"$state/sources.list"
  local apt=(apt-get -qq -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::State::Lists="$state/lists" -o Dir::Cache="$state/cache" -o APT::Sandbox::User=root -o Acquire::Check-Valid-Until=false)
  [ -e "$state/.updated" ] || { "${apt[@]}" update && touch "$state/.updated"; }
  (cd "$out/debs" && "${apt[@]}" download "$package")
  mkdir -p "$folder"
  dpkg-deb -x "$(ls -t "$out/debs/${package}"_*.deb | head -1)" "$folder"
  touch "$folder/.done"
}

newest() { # PACKAGE FOLDER PROGRAM [ARGUMENT…]: from the newest release whose program runs here (unstable's may want a newer libc)
  local package=$1 folder=$2 program=$3 release; shift 3
  for release in sid trixie; do
    if unpack "$release" "$package" "$folder" && "$out/$folder/$program" "$@" >"$out/$folder/version" 2>&1; then return 0; fi
    rm -rf "${out:?}/$folder" "$out/debs/${package}"_*.deb
  done
  echo "tools.sh: no $package of Debian's unstable or trixie runs here" >&2
  return 1
}

unpack bullseye consul consul
unpack bookworm prometheus prometheus
unpack trixie docker-compose compose-v2
unpack trixie docker.io engine-26
unpack trixie containerd engine-26-containerd
newest docker-compose newest-compose usr/libexec/docker/cli-plugins/docker-compose version
newest docker-cli newest-cli usr/bin/docker --version
newest docker-buildx newest-cli-buildx usr/libexec/docker/cli-plugins/docker-buildx version
newest docker.io newest-engine usr/sbin/dockerd --version
newest containerd newest-engine-containerd usr/bin/containerd --version
echo "consul:     $out/consul/usr/bin/consul"
echo "prometheus: $out/prometheus/usr/bin/prometheus"
echo "compose v2: $out/compose-v2/usr/libexec/docker/cli-plugins/docker-compose"
echo "engine 26:  $out/engine-26/usr/sbin/dockerd (with $out/engine-26-containerd/usr/bin first on PATH)"
echo "newest:     $(cat "$out"/newest-{compose,cli,cli-buildx,engine}/version | tr '\n' ';')"
