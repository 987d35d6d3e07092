import type { EffectCollector } from './effect.js';
import type { CoreEvent } from './event.js';
import { complainOnce } from './manifest-receiver.js';
import { count, type State } from './state.js';

type ForeignProtocol = Extract<CoreEvent, { kind: 'foreign-protocol' }>;

/**
 * A daemon says something in protocols of which this one speaks none. Nothing else of the message
 * may be read; that it came, and in which protocols, is shown with its node and in `status` until
 * the daemon goes or says something that is understood.
 */
export function onForeignProtocol(
  state: State,
  { from, range, reason }: ForeignProtocol,
  out: EffectCollector,
): void {
  count(state, 'messages_of_foreign_protocol');
  const peer = state.peers.get(from.nodeId);
  if (peer?.pid === from.pid) {
    peer.heardMs = state.monotonicMs;
    peer.protocol = range;
  }
  complainOnce(state, from, reason, out);
}
