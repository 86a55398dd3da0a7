# A throwaway machine: namespaces of its own (mounts, processes, network), a root in memory, the programs of this one to
# read. FOLDER has what the test brings: `opt` becomes /opt. Called under `unshare`; ends when its standard input ends.
set -euo pipefail
folder=$1 node=$2 modules=$3
root=$folder/root
mkdir "$root"
mount -t tmpfs -o mode=755 tmpfs "$root"
cd "$root"
mkdir -p usr etc/systemd/system run tmp var/{tmp,log,lib} root proc dev opt
chmod 1777 tmp var/tmp
chmod 700 root
for name in bin sbin lib lib64; do [ ! -L "/$name" ] || ln -s "usr/$name" "$name"; done
for name in bin sbin lib lib64; do
  [ -L "/$name" ] || [ ! -d "/$name" ] || { mkdir "$name" && mount --bind "/$name" "$name"; }
done
mount --bind /usr usr
mount -o remount,bind,ro usr
mkdir -p etc/alternatives
[ ! -d /etc/alternatives ] || mount --bind /etc/alternatives etc/alternatives
# What the script installs goes here; what this machine has there is not seen.
for name in usr/local/bin usr/local/sbin; do mount -t tmpfs -o mode=755 tmpfs "$name"; done
mount --rbind /dev dev
mount -t proc proc proc
mount --bind "$folder/opt" opt
mkdir -p opt/app/node_modules
mount --bind "$modules" opt/app/node_modules
touch opt/node
mount --bind "$node" opt/node
cp opt/programs/* usr/local/bin/
printf 'root:x:0:0::/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n' >etc/passwd
printf 'root:x:0:\n' >etc/group
printf '127.0.0.1 localhost\n' >etc/hosts
# Memory, as on a real one.
mount -t tmpfs -o mode=755 tmpfs run
ip link set lo up
ip address add 169.254.169.254/32 dev lo
ip address add 10.77.0.10/32 dev lo
exec chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
  /opt/node /opt/stand-ins/machine.mjs
