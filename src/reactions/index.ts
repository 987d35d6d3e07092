export type { ReactionEvent } from './event.js';
export { Reactions, type ReactionModules, type ReactionSubject } from './reactions.js';
