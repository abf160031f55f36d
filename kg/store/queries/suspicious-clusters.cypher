// title: Accounts that buy the same rare items
// question: Which pairs of accounts share several items that almost nobody else buys?
// parameter: category text
// parameter: max_shoppers integer = 3
// parameter: min_shared integer = 2
// parameter: limit integer = 50
// scope: profile:read
// columns: first, second, shared, items
// chart: graph
MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)<-[:PURCHASED]-(x:User)
WHERE c.value = $category
WITH i, count(x) AS shoppers
WHERE shoppers > 1 AND shoppers <= $max_shoppers
MATCH (i)<-[:PURCHASED]-(a:User)
MATCH (i)<-[:PURCHASED]-(b:User)
WHERE a.user_id < b.user_id
WITH a, b, i.item_id AS item ORDER BY item
WITH a, b, collect(item) AS items
WHERE size(items) >= $min_shared
RETURN a.user_id AS first, b.user_id AS second, size(items) AS shared, items
ORDER BY shared DESC, first, second LIMIT $limit
