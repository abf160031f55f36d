// title: What else shoppers of an item buy
// question: Which items do those buy who bought this one?
// parameter: item text
// parameter: limit integer = 20
// columns: item, title, shoppers
// chart: bar title shoppers
MATCH (i:Item)<-[:PURCHASED]-(u:User)-[:PURCHASED]->(other:Item)
WHERE i.item_id = $item AND other.item_id <> $item
RETURN other.item_id AS item, other.title AS title, count(DISTINCT u) AS shoppers
ORDER BY shoppers DESC, item LIMIT $limit
