// title: What connects two items
// question: Which values do two items share?
// parameter: item text
// parameter: other text
// columns: relation, value, items
// chart: graph
MATCH (i:Item)-[r]->(v)<-[s]-(j:Item)
WHERE i.item_id = $item AND j.item_id = $other AND r.field IS NOT NULL AND type(r) = type(s)
RETURN type(r) AS relation, v.value AS value, size([(v)<--(x:Item) | 1]) AS items
ORDER BY items, relation, value
