// title: Looked at, not bought
// question: Which items are viewed by shoppers who do not buy them?
// parameter: limit integer = 50
// columns: item, title, viewers
// chart: table
MATCH (u:User)-[:VIEWED]->(i:Item)
WHERE NOT EXISTS { MATCH (u)-[:PURCHASED]->(i) }
RETURN i.item_id AS item, i.title AS title, count(DISTINCT u) AS viewers
ORDER BY viewers DESC, item LIMIT $limit
