// title: What else shoppers of an item buy
// question: Which items do the latest shoppers of this one buy?
// parameter: item text
// parameter: latest_shoppers integer = 100
// parameter: limit integer = 20
// columns: item, title, shoppers
// chart: bar title shoppers
MATCH (i:Item)<-[r:PURCHASED]-(u:User)
WHERE i.item_id = $item
WITH u, r.last_time AS last_time ORDER BY last_time DESC LIMIT $latest_shoppers
MATCH (u)-[:PURCHASED]->(other:Item)
WHERE other.item_id <> $item
RETURN other.item_id AS item, other.title AS title, count(u) AS shoppers
ORDER BY shoppers DESC, item LIMIT $limit
