// title: Substitutes of an item
// question: Which items share this one's categories and values, so that they may stand in for it?
// parameter: item text
// parameter: limit integer = 20
// columns: item, title, shared, values
// chart: table
MATCH (i:Item)-[:HAS_CATEGORY]->(c:Category)
WHERE i.item_id = $item
WITH i, c, size([(c)<-[:HAS_CATEGORY]-(x:Item) | 1]) AS items ORDER BY items LIMIT 1
MATCH (c)<-[:HAS_CATEGORY]-(other:Item)
WHERE other.item_id <> $item
MATCH (i)-[r]->(v)<-[s]-(other)
WHERE r.field IS NOT NULL AND type(r) = type(s)
WITH other, v.value AS value ORDER BY value
RETURN other.item_id AS item, other.title AS title, count(DISTINCT value) AS shared, collect(DISTINCT value) AS values
ORDER BY shared DESC, item LIMIT $limit
