// title: Items that cannot be bought
// question: Which items are marked as not available, and how many shoppers bought them?
// parameter: limit integer = 100
// columns: item, title, shoppers
// chart: table
MATCH (i:Item)
WHERE i.available = false
OPTIONAL MATCH (i)<-[:PURCHASED]-(u:User)
RETURN i.item_id AS item, i.title AS title, count(DISTINCT u) AS shoppers
ORDER BY shoppers DESC, item LIMIT $limit
