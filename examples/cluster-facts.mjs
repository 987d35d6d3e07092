// What the running corosync goes by: its name, its nodes, and how soon it notices a dead one.
import { openCmap, readClusterFacts } from 'holdfast/cmap';

const cmap = await openCmap();
try {
  const facts = await readClusterFacts(cmap);
  console.log(`cluster ${facts.clusterName ?? '(no name)'}, this is node ${facts.localNodeId ?? '?'}`);
  for (const { nodeId, name, addresses } of facts.nodes) {
    console.log(`node ${nodeId} ${name ?? '(no name)'} at ${addresses.join(', ')}`);
  }
  console.log(`a dead node is noticed after ${facts.tokenMs + facts.consensusMs} ms at the least`);
} finally {
  await cmap.close();
}
