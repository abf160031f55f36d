// title: What connects two items
// question: Which values do two items share, and how many items have each?
// parameter: item text
// parameter: other text
// columns: relation, value, items
// chart: graph
MATCH (i:Item)-[r]->(v)
WHERE i.item_id = $item AND r.field IS NOT NULL
MATCH (j:Item)-[s]->(w)
WHERE j.item_id = $other AND type(s) = type(r) AND w.value = v.value
RETURN type(r) AS relation, v.value AS value, COUNT { (v)<--(:Item) } AS items
ORDER BY items, relation, value
