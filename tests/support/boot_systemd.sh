#!/bin/bash
# Boots a systemd of its own over a copy-on-write view of this machine, for systemd_machine.py. Nothing that happens in
# there reaches this machine: file system, processes, network, IPC, host name and control groups are its own.
#
#   boot_systemd.sh enter NAME WORK CONSOLE UNIT [PATH...]   boots UNIT; ends when that systemd ends or is killed
#   boot_systemd.sh clean NAME                               removes the control group NAME and whatever runs in it
#
# WORK holds `installed/`, which is laid over the machine's files. Each PATH is made reachable for every user in there. What
# is written in there is gone with it, and in memory; with a file WORK/on-disk it goes to WORK's own disk, and stays there.
set -eu

stage=$1
name=$2

control_groups() {  # its own view of the machine's cgroup2 tree, wherever the machine itself has mounted it
    mount --make-rprivate /
    mount -t tmpfs tmpfs /mnt
    mkdir /mnt/cgroup
    mount -t cgroup2 cgroup2 /mnt/cgroup
}

case $stage in
enter)
    exec unshare --mount "$0" join "${@:2}"
    ;;
join)
    control_groups
    mkdir "/mnt/cgroup/$name"
    echo $$ > "/mnt/cgroup/$name/cgroup.procs"
    umount -l /mnt/cgroup /mnt
    exec unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child "$0" boot "${@:2}"
    ;;
boot)
    work=$3 console=$4 unit=$5
    root=$work/root
    mount --make-rprivate /
    mkdir -p "$root" "$work/layer"
    [ -e "$work/on-disk" ] || mount -t tmpfs tmpfs "$work/layer"
    mkdir "$work/layer/work"
    cp -a "$work/installed" "$work/layer/upper"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$work/layer/upper,workdir=$work/layer/work" "$root"
    for path in "${@:6}"; do
        if [ ! -e "$root$path" ]; then  # it lies on another file system of this machine
            mkdir -p "$root$path"
            mount --bind "$path" "$root$path"
        fi
        while [ "$path" != / ]; do
            chmod o+x "$root$path" 2>/dev/null || true
            path=$(dirname "$path")
        done
    done
    mount -t proc proc "$root/proc"
    mount -t sysfs sysfs "$root/sys"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for device in null zero full random urandom tty; do
        touch "$root/dev/$device"
        mount --bind "/dev/$device" "$root/dev/$device"
    done
    touch "$root/dev/console"
    mount --bind "$console" "$root/dev/console"
    mkdir "$root/dev/shm" "$root/dev/pts"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    ip link set lo up
    cd "$root"
    mkdir before
    pivot_root . before
    umount -l before
    rmdir before
    (cd /etc/sysusers.d && systemd-sysusers leapfrog*.conf)
    (cd /etc/tmpfiles.d && systemd-tmpfiles --create leapfrog*.conf)
    export container=leapfrog-test
    exec /lib/systemd/systemd --system "--unit=$unit" --log-target=console --show-status=no
    ;;
clean)
    exec unshare --mount "$0" remove "$name"
    ;;
remove)
    control_groups
    [ -d "/mnt/cgroup/$name" ] || exit 0
    echo 1 > "/mnt/cgroup/$name/cgroup.kill"
    while grep -q "populated 1" "/mnt/cgroup/$name/cgroup.events"; do sleep 0.02; done
    find "/mnt/cgroup/$name" -depth -type d -exec rmdir {} +
    ;;
esac
