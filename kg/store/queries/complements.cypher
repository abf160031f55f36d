// title: Complements of an item
// question: What do its shoppers buy from other categories?
// parameter: item text
// parameter: limit integer = 20
// columns: item, title, shoppers
// chart: bar title shoppers
MATCH (i:Item)<-[:PURCHASED]-(u:User)-[:PURCHASED]->(other:Item)
WHERE i.item_id = $item AND other.item_id <> $item
WITH i, other, count(DISTINCT u) AS shoppers ORDER BY shoppers DESC, other.item_id LIMIT 500
WHERE NOT EXISTS { MATCH (i)-[:HAS_CATEGORY]->()<-[:HAS_CATEGORY]-(other) }
RETURN other.item_id AS item, other.title AS title, shoppers
ORDER BY shoppers DESC, item LIMIT $limit
