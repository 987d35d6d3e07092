/** Whether corosync refuses clients that would change this key. @see cmap_keys(7) */
export function isReadOnly(key: string): boolean {
  return READ_ONLY_KEYS.has(key) || READ_ONLY_PREFIXES.some((prefix) => key.startsWith(prefix));
}

const READ_ONLY_PREFIXES = [
  'internal_configuration.', 'runtime.services.', 'runtime.config.', 'runtime.totem.',
  'uidgid.config.', 'system.', 'nodelist.',
];

const READ_ONLY_KEYS: ReadonlySet<string> = new Set([
  'totem.crypto_cipher', 'totem.crypto_hash', 'totem.crypto_model', 'totem.keyfile', 'totem.key',
  'totem.secauth', 'totem.ip_version', 'totem.transport', 'totem.cluster_name', 'totem.netmtu',
  'totem.threads', 'totem.version', 'totem.nodeid', 'totem.clear_node_high_bit',
  'config.reload_in_progress', 'config.totemconfig_reload_in_progress',
]);
