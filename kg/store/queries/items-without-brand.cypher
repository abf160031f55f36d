// title: Items without a brand
// question: Which items have no brand?
// parameter: limit integer = 100
// columns: item, title
// chart: table
MATCH (i:Item)
OPTIONAL MATCH (i:Item)-[b:HAS_BRAND]->()
WITH i, b
WHERE b IS NULL
RETURN i.item_id AS item, i.title AS title
ORDER BY item LIMIT $limit
