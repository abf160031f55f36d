// title: Why an item was recommended to a shopper
// question: Which values connect what this shopper bought with this item?
// parameter: user text
// parameter: item text
// parameter: limit integer = 50
// scope: profile:read
// columns: history_item, title, relation, value
// chart: graph
MATCH (i:Item)-[r]->(v)
WHERE i.item_id = $item AND r.field IS NOT NULL
WITH collect(type(r) + ' ' + v.value) AS facts
MATCH (u:User)-[:PURCHASED]->(h:Item)-[s]->(w)
WHERE u.user_id = $user AND h.item_id <> $item AND s.field IS NOT NULL AND type(s) + ' ' + w.value IN facts
RETURN h.item_id AS history_item, h.title AS title, type(s) AS relation, w.value AS value
ORDER BY history_item, relation, value LIMIT $limit
