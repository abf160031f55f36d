// title: What a shopper did
// question: Which items did this shopper buy, how often, and when last?
// parameter: user text
// parameter: limit integer = 100
// scope: profile:read
// columns: item, title, times, first_time, last_time
// chart: table
MATCH (u:User)-[r:PURCHASED]->(i:Item)
WHERE u.user_id = $user
RETURN i.item_id AS item, i.title AS title, r.count AS times, r.first_time AS first_time, r.last_time AS last_time
ORDER BY last_time DESC, item LIMIT $limit
