// title: Shoppers like this one
// question: Who bought most of what this shopper bought last?
// parameter: user text
// parameter: latest_items integer = 50
// parameter: limit integer = 20
// scope: profile:read
// columns: user, shared
// chart: table
MATCH (u:User)-[r:PURCHASED]->(i:Item)
WHERE u.user_id = $user
WITH i, r.last_time AS last_time ORDER BY last_time DESC, i.item_id LIMIT $latest_items
MATCH (i)<-[:PURCHASED]-(other:User)
WHERE other.user_id <> $user
RETURN other.user_id AS user, count(i) AS shared
ORDER BY shared DESC, user LIMIT $limit
