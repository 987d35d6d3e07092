/**
 * Waits for all of them whatever becomes of the others, then throws the first failure. For ends
 * and clean-ups: with Promise.all the first failure would leave the rest running unwatched.
 */
export async function settleAll(endings: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(endings);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
