// Whether this node's partition is quorate, and who joined and left it. Ends with ctrl-C, or
// after the first state with --once.
import { openQuorum } from 'holdfast/quorum';

const quorum = await openQuorum();
quorum.on('nodelist', ({ members, joined, left }) => {
  console.log(`nodes ${members.join(' ')}; joined ${joined.join(' ')}; left ${left.join(' ')}`);
});
quorum.on('quorum', ({ quorate, ring }) => {
  console.log(`${quorate ? 'quorate' : 'NOT quorate'} in ring ${ring.nodeId}.${ring.seq}`);
  if (process.argv.includes('--once')) void quorum.close();
});
quorum.on('lost', (cause) => {
  console.error(cause.message);
  process.exitCode = 1;
});
await quorum.start();
