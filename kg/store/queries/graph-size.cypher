// title: How large the graph is
// question: How many nodes of each kind are there?
// columns: label, nodes
// chart: bar label nodes
MATCH (n)
WHERE n.build_id IS NOT NULL AND NOT n:Reckon_Build
RETURN labels(n)[0] AS label, count(*) AS nodes
ORDER BY nodes DESC, label
