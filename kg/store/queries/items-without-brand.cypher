// title: Items without a brand
// question: Which items have no brand?
// parameter: limit integer = 100
// columns: item, title
// chart: table
MATCH (i:Item)
WHERE NOT EXISTS { MATCH (i)-[:HAS_BRAND]->() }
RETURN i.item_id AS item, i.title AS title
ORDER BY item LIMIT $limit
