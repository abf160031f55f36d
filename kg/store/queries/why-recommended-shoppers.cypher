// title: Shoppers between a history and an item
// question: How many of the item's latest shoppers also bought what this shopper bought?
// parameter: user text
// parameter: item text
// parameter: latest_shoppers integer = 30
// parameter: limit integer = 50
// scope: profile:read
// columns: history_item, title, shoppers
// chart: table
MATCH (u:User)-[:PURCHASED]->(h:Item)
WHERE u.user_id = $user AND h.item_id <> $item
WITH collect(h.item_id) AS history
MATCH (i:Item)<-[r:PURCHASED]-(other:User)
WHERE i.item_id = $item AND other.user_id <> $user
WITH history, other, r.last_time AS last_time ORDER BY last_time DESC, other.user_id LIMIT $latest_shoppers
MATCH (other)-[:PURCHASED]->(h:Item)
WHERE h.item_id IN history
RETURN h.item_id AS history_item, h.title AS title, count(other) AS shoppers
ORDER BY shoppers DESC, history_item LIMIT $limit
