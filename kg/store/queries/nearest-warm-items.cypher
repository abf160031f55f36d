// title: Bought items most like a cold one
// question: From which items of its narrowest category that shoppers do buy can this one take over?
// parameter: item text
// parameter: limit integer = 10
// columns: item, title, shared, shoppers
// chart: table
MATCH (i:Item)-[r]->(v)
WHERE i.item_id = $item AND r.field IS NOT NULL
WITH collect(type(r) + ' ' + v.value) AS facts
MATCH (i:Item)-[:HAS_CATEGORY]->(c:Category)
WHERE i.item_id = $item
WITH facts, c, COUNT { (c)<-[:HAS_CATEGORY]-() } AS items ORDER BY items LIMIT 1
MATCH (c)<-[:HAS_CATEGORY]-(other:Item)
WHERE other.item_id <> $item
MATCH (other:Item)-[s]->(w)
WHERE s.field IS NOT NULL AND type(s) + ' ' + w.value IN facts
WITH other, count(*) AS shared
WITH other, shared, COUNT { (other:Item)<-[:PURCHASED]-() } AS shoppers
WHERE shoppers > 0
RETURN other.item_id AS item, other.title AS title, shared, shoppers
ORDER BY shared DESC, shoppers DESC, item LIMIT $limit
