// title: Why an item was recommended to a shopper
// question: Which values and shoppers connect what this shopper bought with this item?
// parameter: user text
// parameter: item text
// parameter: limit integer = 50
// scope: profile:read
// columns: history_item, title, relation, value
// chart: graph
MATCH (u:User)-[:PURCHASED]->(h:Item)
WHERE u.user_id = $user AND h.item_id <> $item
MATCH (i:Item) WHERE i.item_id = $item
MATCH (h)-[r]->(v)<-[s]-(i)
WHERE r.field IS NOT NULL AND type(r) = type(s)
RETURN h.item_id AS history_item, h.title AS title, type(r) AS relation, v.value AS value
ORDER BY history_item, relation, value LIMIT $limit
