// title: Substitutes of an item
// question: Which items of its narrowest category share most values with it, so that they may stand in for it?
// parameter: item text
// parameter: limit integer = 20
// columns: item, title, shared, values
// chart: table
MATCH (i:Item)-[r]->(v)
WHERE i.item_id = $item AND r.field IS NOT NULL
WITH collect(type(r) + ' ' + v.value) AS facts
MATCH (i:Item)-[:HAS_CATEGORY]->(c:Category)
WHERE i.item_id = $item
WITH facts, c, COUNT { (c)<-[:HAS_CATEGORY]-() } AS items ORDER BY items LIMIT 1
MATCH (c)<-[:HAS_CATEGORY]-(other:Item)
WHERE other.item_id <> $item
MATCH (other)-[s]->(w)
WHERE s.field IS NOT NULL AND type(s) + ' ' + w.value IN facts
WITH other.item_id AS item, other.title AS title, w.value AS value ORDER BY value
RETURN item, title, count(DISTINCT value) AS shared, collect(DISTINCT value) AS values
ORDER BY shared DESC, item LIMIT $limit
