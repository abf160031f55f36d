// title: Cheaper items like this one
// question: Which items share values with this one and cost less?
// parameter: item text
// parameter: limit integer = 20
// columns: item, title, price_cents, shared
// chart: table
MATCH (i:Item)-[:HAS_CATEGORY]->(c)<-[:HAS_CATEGORY]-(other:Item)
WHERE i.item_id = $item AND other.item_id <> $item AND other.price_cents < i.price_cents
RETURN other.item_id AS item, other.title AS title, other.price_cents AS price_cents, count(DISTINCT c) AS shared
ORDER BY shared DESC, price_cents, item LIMIT $limit
