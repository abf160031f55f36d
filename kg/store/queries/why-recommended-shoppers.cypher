// title: Shoppers between a history and an item
// question: How many other shoppers bought both something that this shopper bought and this item?
// parameter: user text
// parameter: item text
// parameter: limit integer = 50
// scope: profile:read
// columns: history_item, title, shoppers
// chart: table
MATCH (i:Item)<-[:PURCHASED]-(other:User)-[:PURCHASED]->(h:Item)<-[:PURCHASED]-(u:User)
WHERE i.item_id = $item AND u.user_id = $user AND other.user_id <> $user AND h.item_id <> $item
RETURN h.item_id AS history_item, h.title AS title, count(DISTINCT other) AS shoppers
ORDER BY shoppers DESC, history_item LIMIT $limit
