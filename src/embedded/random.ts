/** A number in [0, 1), as `Math.random`, but the same again from the same seed. */
export type Random = () => number;

/** A small, fast generator (mulberry32) for simulations; nothing secret may come from it. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A UUID in the form of /proc/sys/kernel/random/boot_id. */
export function createUuid(random: Random): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
  const variant = '89ab'[Math.floor(random() * 4)] ?? '8';
  return [
    hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`, hex.slice(20),
  ].join('-');
}
