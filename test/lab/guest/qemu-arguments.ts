import type { LabImage } from '../image/cache.js';

export type Accelerator = 'tcg' | 'kvm';

export interface MachineConfig {
  readonly nodeId: number;
  /** Name of the virtual machine, unique on this host. */
  readonly machine: string;
  readonly image: Pick<LabImage, 'kernel' | 'initrd'>;
  /** The guest's own disk, an overlay over the image: it survives a power-off. */
  readonly overlay: string;
  readonly accelerator: Accelerator;
  readonly memoryMiB: number;
  /** group:port of the network among the guests, on this host's loopback. */
  readonly clusterNetwork: string;
  readonly sshPort: number;
  readonly fencePort: number;
  /** Unix socket of the monitor that the test uses. */
  readonly monitorPath: string;
  readonly serialPath: string;
}

/** The command line of QEMU for one guest; every listener is on the loopback. */
export function qemuArguments(config: MachineConfig): string[] {
  const node = config.nodeId;
  const mac = (network: number): string => `52:54:00:77:0${network}:${hex(node)}`;
  // A CPU that a starved host may run late: no complaints about lost ticks, no mitigations.
  const kernel = [
    'console=ttyS0', 'quiet', 'net.ifnames=0', 'panic=1', 'mitigations=off', 'nowatchdog',
    'systemd.show_status=0', 'random.trust_cpu=on', `holdfast.node=${node}`,
  ];
  return [
    '-name', config.machine,
    '-accel', config.accelerator,
    ...(config.accelerator === 'kvm' ? ['-cpu', 'host'] : ['-cpu', 'max']),
    '-m', String(config.memoryMiB), '-smp', '1',
    '-nodefaults', '-no-user-config', '-display', 'none',
    '-kernel', config.image.kernel, '-initrd', config.image.initrd,
    '-append', kernel.join(' '),
    '-drive', `file=${config.overlay},format=qcow2,if=none,id=disk0,cache=unsafe,discard=unmap`,
    '-device', 'virtio-blk-pci,drive=disk0',
    '-device', 'virtio-rng-pci',
    '-netdev', `socket,id=cluster0,mcast=${config.clusterNetwork},localaddr=127.0.0.1`,
    '-device', `virtio-net-pci,netdev=cluster0,id=cluster,mac=${mac(1)},romfile=`,
    '-netdev', `user,id=control0,hostfwd=tcp:127.0.0.1:${config.sshPort}-:22`,
    '-device', `virtio-net-pci,netdev=control0,id=control,mac=${mac(2)},romfile=`,
    '-serial', `file:${config.serialPath}`,
    '-qmp', `unix:${config.monitorPath},server=on,wait=off`,
    '-qmp', `tcp:127.0.0.1:${config.fencePort},server=on,wait=off,ipv4=on`,
  ];
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}
