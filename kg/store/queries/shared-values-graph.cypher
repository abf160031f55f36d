// title: An item among those that share its values
// question: Which items are connected with this one by a value, those of its rarest values first?
// parameter: item text
// parameter: limit integer = 100
// columns: path
// chart: graph
MATCH (i:Item)-[r]->(v)
WHERE i.item_id = $item AND r.field IS NOT NULL
WITH v, type(r) AS relation, COUNT { (v)<--(:Item) } AS items
WHERE items > 1
MATCH path = (i:Item)-[r]->(v)<-[s]-(other:Item)
WHERE i.item_id = $item AND type(r) = relation AND type(s) = relation AND other.item_id <> $item
RETURN path
ORDER BY items, relation, v.value, other.item_id LIMIT $limit
