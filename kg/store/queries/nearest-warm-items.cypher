// title: Bought items most like a cold one
// question: From which items that shoppers do buy can this one take over?
// parameter: item text
// parameter: limit integer = 10
// columns: item, title, shared, shoppers
// chart: table
MATCH (i:Item)-[:HAS_CATEGORY]->(c:Category)
WHERE i.item_id = $item
WITH i, c, size([(c)<-[:HAS_CATEGORY]-(x:Item) | 1]) AS items ORDER BY items LIMIT 1
MATCH (c)<-[:HAS_CATEGORY]-(other:Item)
WHERE other.item_id <> $item
MATCH (i)-[r]->(v)<-[s]-(other)
WHERE r.field IS NOT NULL AND type(r) = type(s)
WITH other, count(DISTINCT v) AS shared
MATCH (other)<-[:PURCHASED]-(u:User)
RETURN other.item_id AS item, other.title AS title, shared, count(DISTINCT u) AS shoppers
ORDER BY shared DESC, shoppers DESC, item LIMIT $limit
