import { Link } from "wouter";
import type { Schema } from "../data/api.ts";

type Node = Schema<"LineageNode">;

/** A model between what it was made from and what was made from it; a royalty stands on the way that it goes up. */
export function LineageTree({ nodes, under = "/models" }: { nodes: Node[]; under?: string }) {
  const known = new Set(nodes.map(({ model }) => model));
  const root = nodes.find(({ base_model }) => base_model === null || !known.has(base_model));
  if (root === undefined) return <p className="empty">It has no lineage yet.</p>;
  return (
    <ul className="tree">
      <Branch node={root} nodes={nodes} under={under} />
    </ul>
  );
}

function Branch({ node, nodes, under }: { node: Node; nodes: Node[]; under: string }) {
  const made = nodes.filter(({ base_model }) => base_model === node.model);
  return (
    <li>
      <span className={node.is_self ? "tree-node self" : "tree-node"}>
        {node.is_self ? (
          <strong>{node.model}</strong>
        ) : (
          <Link href={`${under}/${node.model}`}>{node.model}</Link>
        )}
        <span className="dim"> by {node.owner}</span>
        {node.royalty !== null && (
          <span className="tag">
            ↑ {node.royalty.percent} % of {node.royalty.of === "remaining" ? "what remains" : "gross"}
          </span>
        )}
      </span>
      {made.length > 0 && (
        <ul>
          {made.map((child) => (
            <Branch key={child.model} node={child} nodes={nodes} under={under} />
          ))}
        </ul>
      )}
    </li>
  );
}
