/**
 * How local hosts are removed: a small shell that waits for its standard input to end (because we close it, or because we died,
 * however we died) and then takes down everything below one folder. It ends processes by pid only, and only those that name the folder or
 * live in a cgroup of a container of it. One at a time for a folder, and once: as soon as the bridge is gone its name may be another lab's, and a
 * second teardown, by a process that finds the folder of a lab that died, would remove the bridge of the other lab.
 *
 * Arguments: the folder, the name that bridge, namespaces and links start with, the subnet (`10.77.3`), `keep` or `remove` for the folder.
 */
export const teardownScript = `
set -u
dir=$1; name=$2; subnet=$3; fate=$4
trap '' INT TERM HUP
cat >/dev/null
exec 9<"$dir" && flock 9 && [ -e "$dir/owner" ] || exit 0
ours() { grep -slaF -- "$dir/" /proc/[0-9]*/cmdline | cut -d/ -f3; }
container_pids() { for d in "$dir"/*/data/containers/*/; do id=$(basename "$d"); cat /sys/fs/cgroup/*/docker/"$id"/cgroup.procs /sys/fs/cgroup/docker/"$id"/cgroup.procs /sys/fs/cgroup/system.slice/docker-"$id".scope/cgroup.procs 2>/dev/null; done | sort -u; }
for s in "$dir"/*/docker.sock; do
  [ -S "$s" ] || continue
  ( ids=$(timeout 5 docker -H "unix://$s" ps -q 2>/dev/null); [ -n "$ids" ] && timeout 15 docker -H "unix://$s" kill $ids >/dev/null 2>&1 ) &
done; wait
for f in "$dir"/*/engine.pid; do [ -e "$f" ] && kill -CONT "$(cat "$f")" 2>/dev/null; [ -e "$f" ] && kill "$(cat "$f")" 2>/dev/null; done
i=0; while [ $i -lt 60 ]; do left=no; for f in "$dir"/*/engine.pid; do [ -e "$f" ] && kill -0 "$(cat "$f")" 2>/dev/null && left=yes; done; [ $left = no ] && break; sleep .2; i=$((i+1)); done
for p in $(container_pids) $(ours); do [ "$p" != "$$" ] && kill -9 "$p" 2>/dev/null; done
sleep .1
grep -F -e " $dir/" -e " $dir " /proc/mounts | cut -d' ' -f2 | sort -r | while read -r m; do umount -l "$m" 2>/dev/null; done
rm -f "$dir/owner"
for ns in $(ip netns list 2>/dev/null | cut -d' ' -f1 | grep "^$name-h"); do
  # its wireguard-go ends with its link
  for l in $(ip -n "$ns" -o link show type tun 2>/dev/null | cut -d: -f2); do ip -n "$ns" link del "$l"; done
  ip netns del "$ns"
done
iptables -D FORWARD -i "$name" -o "$name" -j ACCEPT 2>/dev/null
iptables -D FORWARD -i "$name" -j ACCEPT 2>/dev/null; iptables -D FORWARD -o "$name" -j ACCEPT 2>/dev/null
iptables -t nat -D POSTROUTING -s "$subnet.0/24" ! -o "$name" -j MASQUERADE 2>/dev/null
[ -e "$dir/ip_forward" ] && cat "$dir/ip_forward" >/proc/sys/net/ipv4/ip_forward
ip link del "$name" 2>/dev/null
if [ "$fate" = remove ]; then rm -rf "$dir" 2>/dev/null || { sleep 1; rm -rf "$dir"; }; fi
exit 0
`;
