import { createHash } from 'node:crypto';

/** The Debian release of the guests; the host's `node` has to find its libraries there. */
export const RELEASE = 'bookworm';

/** A change of how the image is put together that no text below shows. */
const RECIPE_VERSION = 1;

export const GUEST_PACKAGES = [
  'systemd-sysv', 'udev', 'iproute2', 'openssh-server', 'kmod', 'procps', 'curl',
  'libstdc++6', 'strace',
  'corosync', 'dlm-controld', 'libcpg4', 'libquorum5', 'libdlm3', 'libdlmcontrol3',
] as const;

/** What an image has beside that. */
export type Flavour = 'plain' | 'pacemaker';

/** Installed on top, by apt, which understands alternatives where debootstrap does not. */
export const FLAVOUR_PACKAGES: Readonly<Record<Flavour, readonly string[]>> = {
  plain: [],
  pacemaker: [
    'pacemaker', 'pacemaker-cli-utils', 'pacemaker-resource-agents', 'resource-agents', 'crmsh',
    'pcs', 'dbus', 'psmisc', 'libxml2-utils', 'busybox-static',
  ],
};

export const FLAVOUR_DISABLED_UNITS: Readonly<Record<Flavour, readonly string[]>> = {
  plain: [],
  pacemaker: ['pacemaker.service', 'pcsd.service', 'pcsd-ruby.service'],
};

/** With what they depend on; the first block is what the initramfs needs to mount the root. */
export const BOOT_MODULES = ['virtio_pci', 'virtio_blk', 'crc32c_generic', 'ext4'] as const;
export const GUEST_MODULES = [
  ...BOOT_MODULES, 'dlm', 'configfs', 'virtio_net', 'virtio_rng', 'softdog', 'i6300esb',
] as const;

/** What would only cost time at boot, or would start before the test says so. */
export const MASKED_UNITS = [
  'apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'e2scrub_all.timer',
  'e2scrub_reap.service', 'fstrim.timer', 'systemd-tmpfiles-clean.timer', 'getty@tty1.service',
  'serial-getty@ttyS0.service', 'systemd-networkd.service', 'systemd-pstore.service',
  'ssh.socket', 'systemd-logind.service', 'systemd-hwdb-update.service',
] as const;
export const DISABLED_UNITS = ['corosync.service', 'dlm.service'] as const;

/**
 * Says who this guest is from the kernel's command line: `holdfast.node=2`. The control network is
 * QEMU's user networking, whose host is always 10.0.2.2.
 */
const SETUP = `#!/bin/sh
set -e
for word in $(cat /proc/cmdline); do
  case $word in holdfast.node=*) node=\${word#*=} ;; esac
done
hostname "n$node"
echo "n$node" >/etc/hostname
modprobe virtio_rng
modprobe virtio_net
udevadm settle --timeout=30 || true
ip link set lo up
ip link set eth0 up
ip address replace "10.77.0.$node/24" dev eth0
ip link set eth1 up
ip address replace 10.0.2.15/24 dev eth1
ip route replace default via 10.0.2.2
`;

const SETUP_UNIT = `[Unit]
Description=Name and addresses of a lab guest
DefaultDependencies=no
After=systemd-udevd.service systemd-remount-fs.service local-fs.target
Before=network-pre.target network.target sysinit.target
Wants=network-pre.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/holdfast-lab-setup
[Install]
WantedBy=sysinit.target
`;

const SSHD = `Port 22
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
UseDNS no
PrintMotd no
MaxSessions 64
MaxStartups 64
AcceptEnv LANG
Subsystem sftp internal-sftp
`;

/** Coredumps and logs stay in memory: the disk of a guest is for what a test looks at. */
const JOURNALD = '[Journal]\nStorage=volatile\nRuntimeMaxUse=32M\nRateLimitBurst=0\n';
const HOSTS = `127.0.0.1 localhost
10.77.0.1 n1
10.77.0.2 n2
10.77.0.3 n3
10.0.2.2 host
`;

export interface GuestFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/** The files of our own in the guest. */
export const GUEST_FILES: readonly GuestFile[] = [
  { path: 'usr/sbin/holdfast-lab-setup', text: SETUP, mode: 0o755 },
  { path: 'etc/systemd/system/holdfast-lab-setup.service', text: SETUP_UNIT, mode: 0o644 },
  { path: 'etc/ssh/sshd_config', text: SSHD, mode: 0o644 },
  { path: 'etc/systemd/journald.conf.d/lab.conf', text: JOURNALD, mode: 0o644 },
  { path: 'etc/hosts', text: HOSTS, mode: 0o644 },
  { path: 'etc/fstab', text: '', mode: 0o644 },
];
export const ENABLED_UNITS = ['holdfast-lab-setup.service', 'ssh.service'] as const;

/** PID 1 of the initramfs: mounts the root disk and hands over to systemd. */
export const INITRAMFS_INIT = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in ${BOOT_MODULES.join(' ')}; do modprobe "$module" || echo "no module $module"; done
tries=0
until [ -b /dev/vda ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 600 ] || { echo "no root disk appeared"; poweroff -f; }
  sleep 0.1
done
mount -t ext4 -o rw,noatime /dev/vda /root || { echo "cannot mount the root"; poweroff -f; }
exec switch_root /root /sbin/init
`;

/** A name for everything that decides what is in the image. */
export function recipeHash(
  kernelVersion: string, nodeVersion: string, flavour: Flavour = 'plain',
): string {
  const parts = [
    RECIPE_VERSION, RELEASE, GUEST_PACKAGES, GUEST_MODULES, MASKED_UNITS, DISABLED_UNITS,
    ENABLED_UNITS, GUEST_FILES, INITRAMFS_INIT, kernelVersion, nodeVersion, process.arch,
    ...FLAVOUR_PACKAGES[flavour], ...FLAVOUR_DISABLED_UNITS[flavour],
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
