// title: Items without a price
// question: Which items have no price?
// parameter: limit integer = 100
// columns: item, title
// chart: table
MATCH (i:Item)
WHERE i.price_cents IS NULL
RETURN i.item_id AS item, i.title AS title
ORDER BY item LIMIT $limit
